import { describe, expect, test } from "@jest/globals";
import { ownArguments as given } from "../../src/cli/commands/claude-arguments.js";

function taken(args: readonly string[]): { own: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const own = given(args, { keep: (text) => `kept:${text}`, warn: (text) => void warnings.push(text) });
  return { own, warnings };
}

const ownArguments = (args: readonly string[]) => taken(args).own;

describe("the launcher's command line", () => {
  test("takes what the SDK passes", () => {
    const sdk = [
      "--output-format",
      "stream-json",
      "--verbose",
      "--input-format",
      "stream-json",
      "--max-turns=3",
      "--model=openai/m",
      "--permission-prompt-tool=stdio",
      "--resume=conv_1",
      "--allowedTools=Read,mcp__s__echo",
      "--disallowedTools=mcp__s__crash",
      '--mcp-config={"mcpServers":{}}',
      "--setting-sources=",
      "--permission-mode=default",
      "--include-partial-messages",
    ];
    expect(ownArguments(sdk)).toEqual([
      "run",
      '--mcp-config=kept:{"mcpServers":{}}',
      "--input-format=claude-stream-json",
      "--output-format=claude-stream-json",
      "--permission-prompt-tool=stdio",
      "--model=openai/m",
      "--max-tool-hops=3",
      "--conversation=conv_1",
      "--allow=mcp__s__echo",
      "--deny=mcp__s__crash",
      "--include-partial-messages",
    ]);
  });

  test("takes a prompt, as claude -p does", () => {
    expect(ownArguments(["-p", "hi", "--output-format", "json"])).toEqual(["run", "--output-format=json", "--", "hi"]);
  });

  test("knows who approves by the mode", () => {
    expect(ownArguments(["--permission-mode=bypassPermissions"])).toEqual(["run", "--yes"]);
    expect(ownArguments(["--permission-mode=dontAsk", "--permission-prompt-tool=stdio"])).toEqual(["run"]);
  });

  test.each([["--max-budget-usd=1"], ["--json-schema={}"], ["--fork-session"], ["--permission-mode=plan"]])(
    "refuses %s, which would have no effect",
    (arg) => {
      expect(() => ownArguments([arg])).toThrow(arg.split("=")[0]);
    },
  );

  test("takes what claude-agent-acp 0.101 passes, an empty word behind a flag too", () => {
    const { own, warnings } = taken([
      "--output-format",
      "stream-json",
      "--verbose",
      "--input-format",
      "stream-json",
      "--permission-prompt-tool=stdio",
      "--disallowedTools=AskUserQuestion",
      "--tools=default",
      "--setting-sources=user,project,local",
      "--permission-mode=auto",
      "--allow-dangerously-skip-permissions",
      "--await-initialize",
      "--session-id=eb4aa043",
      "--replay-user-messages",
      "",
    ]);
    expect(own).toEqual([
      "run",
      "--input-format=claude-stream-json",
      "--output-format=claude-stream-json",
      "--permission-prompt-tool=stdio",
      "--conversation=eb4aa043",
      "--replay-user-messages",
    ]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["a flag", ["--new-flag"]],
    ["a flag with its value", ["--new-flag=3"]],
    ["a flag with its value behind it", ["--new-flag", "3"]],
    ["a flag with a short name", ["-q"]],
  ])("leaves out, and says so, %s of a later release", (_, args) => {
    const { own, warnings } = taken(["-p", ...args, "--output-format", "json", "--", "hi"]);
    expect(own).toEqual(["run", "--output-format=json", "--", "hi"]);
    expect(warnings).toEqual([expect.stringContaining(args[0]?.replace(/^-+|=.*/g, "") ?? "")]);
  });

  test("asks in a permission mode that is not known, and says so", () => {
    const { own, warnings } = taken(["--permission-mode=later", "--permission-prompt-tool=stdio"]);
    expect(own).toEqual(["run", "--permission-prompt-tool=stdio"]);
    expect(warnings).toEqual([expect.stringContaining("--permission-mode later")]);
  });

  test("says its version", () => {
    expect(ownArguments(["--version"])).toEqual(["--version"]);
  });
});

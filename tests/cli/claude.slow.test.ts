import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse, shape } from "../doors/claude/client.js";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, failure, STALL, startLlmServer, stream, toolCalls } from "../support/llm-server.js";
import { until } from "../support/mcp-hub.js";

const user = (content: string) => JSON.stringify({ type: "user", message: { role: "user", content } });
const pipe = ["run", "--input-format", "claude-stream-json"];

describe("run with claude-stream-json", () => {
  test("prints one prompt's turn, and stdout has nothing else", async () => {
    using place = new Workplace();
    const args = ["run", "Add 2 and 40 with the add tool", "--output-format", "claude-stream-json"];
    const { exitCode, stdout } = await place.run(args);
    expect(exitCode).toBe(0);
    expect(shape(parse(stdout))).toEqual([
      "system init",
      "assistant tool_use",
      "user tool_result",
      "assistant text",
      "result success",
    ]);
    expect(parse(stdout).at(-1)).toMatchObject({
      result: "The answer is 42.",
      session_id: expect.stringMatching(/^conv_/),
    });
  });

  test("reads prompts until the end of input, as input format", async () => {
    using place = new Workplace();
    const lines = [user("Add 1 and 2 with the add tool"), user("Add 3 and 4 with the add tool")];
    const { exitCode, stdout } = await place.run(pipe, lines.join("\n"));
    expect(exitCode).toBe(0);
    const results = parse(stdout).filter(({ type }) => type === "result");
    expect(results.map(({ result }) => result)).toEqual(["The answer is 3.", "The answer is 7."]);
  });

  test.each([
    [
      "another output format",
      [...pipe, "--output-format", "json"],
      "goes with --output-format claude-stream-json only",
    ],
    ["a prompt", [...pipe, "hi"], "the prompts come from stdin"],
    ["an attachment", [...pipe, "--attach", "picture.png"], "in the messages on stdin"],
    ["a request id", [...pipe, "--request-id", "r1"], '"uuid"'],
    [
      "partial messages of another format",
      ["run", "hi", "--include-partial-messages"],
      "--output-format claude-stream-json",
    ],
    ["nobody to ask", ["run", "hi", "--permission-prompt-tool", "stdio"], "--input-format claude-stream-json"],
    ["a tool that is to be asked", [...pipe, "--permission-prompt-tool", "mcp__auth__ask"], "stdio"],
  ])("is a mistake with %s", async (_, args, text) => {
    using place = new Workplace();
    const { exitCode, stdout, stderr } = await place.run(args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(text);
  });
});

describe("the launcher", () => {
  const start = (place: Workplace, args: string[]) =>
    spawn(resolve("dist/claude-launcher.js"), args, { cwd: place.folder, env: place.environment });

  test("can be executed itself, and says to programs that ask for a login that there is one", async () => {
    using place = new Workplace();
    const { exitCode, stdout } = await ended(start(place, ["auth", "status", "--json"]));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ loggedIn: true });
  });

  test("is the host, with the servers that it was given and that leave no trace, and a denied tool is no failure", async () => {
    const call = toolCalls([{ name: "given__echo", arguments: {} }]);
    await using llm = await startLlmServer([call, answer("I may not.")]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const sdk = ["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"];
    const mcp = `--mcp-config=${JSON.stringify({ mcpServers: { given: fixtureServer() } })}`;
    const child = spawn(process.execPath, [resolve("dist/claude-launcher.js"), ...sdk, mcp], {
      cwd: place.folder,
      env: { ...place.environment, TMPDIR: place.folder },
    });
    const { exitCode, stdout } = await ended(child, user("go"));
    expect(exitCode).toBe(0);
    expect(parse(stdout).at(-1)).toMatchObject({ permission_denials: [{ tool_name: "given__echo" }] });
    const left = readdirSync(place.folder).filter((name) => name.startsWith("mcp-platform-"));
    expect(left).toEqual([]);
  });

  test("prints the one result with --output-format json, and --resume with its session_id continues there", async () => {
    await using llm = await startLlmServer([answer("one"), answer("two"), failure(401)]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const ask = (...args: string[]) => ended(start(place, ["-p", "hi", "--output-format", "json", ...args]), "");
    const first = await ask();
    expect(first.exitCode).toBe(0);
    const result = JSON.parse(first.stdout);
    expect(result).toMatchObject({ type: "result", subtype: "success", is_error: false, result: "one" });
    const second = JSON.parse((await ask("--resume", result.session_id)).stdout);
    expect(second).toMatchObject({ result: "two", session_id: result.session_id });
    expect(llm.requests[1]?.body.messages?.filter(({ role }) => role === "user")).toHaveLength(2);
    const failed = await ask();
    expect(failed.exitCode).not.toBe(0);
    expect(JSON.parse(failed.stdout)).toMatchObject({ type: "result", is_error: true });
  });

  test("denies, and does not ask the program, where the program wants no prompts and the configuration allows all", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("I may not.")]);
    using place = new Workplace();
    place.configure({ ...configFor(llm.url, { s: fixtureServer() }), chat: { service: { approval: "auto" } } });
    const sdk = ["--output-format", "stream-json", "--verbose", "--input-format", "stream-json"];
    const prompts = ["--permission-prompt-tool=stdio", "--permission-prompts=none", "--permission-mode=default"];
    const { stdout } = await ended(start(place, [...sdk, ...prompts]), user("go"));
    expect(parse(stdout).at(-1)).toMatchObject({ permission_denials: [{ tool_name: "s__echo" }] });
    expect(parse(stdout).filter(({ type }) => type === "control_request")).toEqual([]);
  });

  test.each([
    ["SIGTERM", ["--input-format", "stream-json"]],
    ["SIGKILL", ["--input-format", "stream-json"]],
    ["SIGTERM", ["-p", "delete it all"]],
    ["SIGKILL", ["-p", "delete it all"]],
  ] as const)(
    "that is ended by %s leaves no turn for the next one, which continues the conversation: %j",
    async (signal, input) => {
      await using llm = await startLlmServer([stream([STALL]), answer("hello")]);
      using place = new Workplace();
      place.configure(configFor(llm.url, { s: fixtureServer() }));
      const resumed = [
        "--output-format",
        "stream-json",
        "--verbose",
        "--resume",
        "c1",
        "--permission-mode=bypassPermissions",
      ];
      const child = start(place, [...resumed, ...input]);
      const exited = ended(child);
      if (input[0] === "-p") child.stdin.end();
      else child.stdin.write(`${user("delete it all")}\n`);
      await llm.received(1);
      child.kill(signal);
      await exited;
      const { stdout } = await ended(start(place, [...resumed, "--input-format", "stream-json"]), user("hi"));
      expect(parse(stdout).at(-1)).toMatchObject({ result: "hello" });
      expect(llm.requests).toHaveLength(2);
    },
  );

  test("leaves no trace of them when a signal comes in the moment that their folder is made", async () => {
    using place = new Workplace();
    const signalled = `
      import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const made = fs.mkdtempSync;
      fs.mkdtempSync = (...given) => {
        const folder = made(...given);
        process.kill(process.pid, "SIGHUP");
        return folder;
      };
      syncBuiltinESMExports();`;
    const preload = `--import=data:text/javascript,${encodeURIComponent(signalled)}`;
    const child = spawn(process.execPath, [preload, resolve("dist/claude-launcher.js"), "--mcp-config={}"], {
      cwd: place.folder,
      env: { ...place.environment, TMPDIR: place.folder },
    });
    const [, signal] = await once(child, "exit");
    expect(signal).toBe("SIGHUP");
    expect(readdirSync(place.folder).filter((name) => name.startsWith("mcp-platform-"))).toEqual([]);
  });

  test.each(["SIGHUP", "SIGTERM"] as const)(
    "leaves no trace of them when it ends by %s, early or late",
    async (signal) => {
      await using llm = await startLlmServer([]);
      using place = new Workplace();
      place.configure(configFor(llm.url));
      const kept = () => readdirSync(place.folder).filter((name) => name.startsWith("mcp-platform-"));
      const pipe = ["--output-format", "stream-json", "--input-format", "stream-json"];
      const mcp = `--mcp-config=${JSON.stringify({ mcpServers: { given: fixtureServer() } })}`;
      const start = () =>
        spawn(process.execPath, [resolve("dist/claude-launcher.js"), ...pipe, mcp], {
          cwd: place.folder,
          env: { ...place.environment, TMPDIR: place.folder },
        });
      const early = start();
      await until(() => kept().length > 0);
      const earlyEnd = ended(early);
      early.kill(signal);
      await earlyEnd;
      expect(kept()).toEqual([]);

      const late = start();
      const lateEnd = ended(late);
      late.stdin.write(
        `${JSON.stringify({ type: "control_request", request_id: "i", request: { subtype: "mcp_status" } })}\n`,
      );
      await once(late.stdout, "data");
      late.kill(signal);
      await lateEnd;
      expect(kept()).toEqual([]);
    },
  );
});

import { describe, expect, test } from "@jest/globals";
import { ownArguments as given } from "../../src/cli/commands/claude-arguments.js";

const files: Record<string, string> = {
  "deny.json": '{"permissions":{"deny":["mcp__s__push","Bash"]}}',
  "no.json": "{permissions",
  "more.txt": "Briefly.",
};

function fail(path: string): never {
  throw new Error(`cannot read ${path}`);
}

function taken(args: readonly string[], env = {}): { own: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const read = (path: string) => files[path] ?? fail(path);
  const own = given(args, { env, keep: (text) => `kept:${text}`, read, warn: (text) => void warnings.push(text) });
  return { own: own.filter((arg) => arg !== "--ends-with-process"), warnings };
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
      "--ask",
    ]);
  });

  describe("rules about tools", () => {
    const echo = ["mcp__s__echo", "mcp__t"];

    test.each([
      ["separated by commas", ["--disallowedTools=Bash(git log:*, x),mcp__s__echo,mcp__t"]],
      ["separated by spaces", ["--disallowedTools", "Bash(git log:*) mcp__s__echo mcp__t"]],
      ["in several words", ["--disallowedTools", "mcp__s__echo", "Read", "mcp__t"]],
      ["in several flags", ["--disallowedTools", "mcp__s__echo", "--disallowedTools=mcp__t"]],
      ["by the flag's other name", ["--disallowed-tools", "mcp__s__echo", "mcp__t"]],
    ])("are taken %s", (_, args) => {
      const allowing = args.map((arg) => arg.replace("--disallowed", "--allowed"));
      expect(taken(args)).toEqual({ own: ["run", ...echo.map((tool) => `--deny=${tool}`)], warnings: [] });
      expect(taken(allowing)).toEqual({ own: ["run", ...echo.map((tool) => `--allow=${tool}`)], warnings: [] });
    });

    test("may be this host's own patterns, and end before a prompt behind another flag", () => {
      const args = ["--disallowedTools", "s__*", "s.push", "mcp__s__w(path=/etc/*)", "-p", "hi"];
      expect(ownArguments(args)).toEqual([
        "run",
        "--deny=s__*",
        "--deny=s.push",
        "--deny=mcp__s__w(path=/etc/*)",
        "--",
        "hi",
      ]);
    });

    test.each(["*", "mcp__*", "mcp__gi*", "mcp__*__push"])("forbid with %s", (rule) => {
      expect(ownArguments(["--disallowedTools", rule])).toEqual(["run", `--deny=${rule}`]);
    });

    test.each(["*__push", "m*", "mcp*", "mcp__s__w(*)", "mcp__s__w(path:/etc)", "mcp__"])(
      "that forbid with %s are refused, because no pattern means the same",
      (rule) => {
        expect(() => ownArguments(["--disallowedTools", rule])).toThrow(`--disallowedTools ${rule}`);
      },
    );

    test.each(["*", "mcp__*", "mcp__gi*", "mcp__*__push", "mcp__s__w(*)"])(
      "that allow with %s allow nothing, as in Claude Code, and say so",
      (rule) => {
        expect(taken(["--allowedTools", rule])).toEqual({ own: ["run"], warnings: [expect.stringContaining(rule)] });
      },
    );

    test.each([
      "ReadMcpResourceTool",
      "ReadMcpResourceDirTool",
      "ListMcpResourcesTool",
      "ReadMcp*",
      "ReadMcpResourceTool(s:a)",
    ])("that forbid %s forbid the host's own tool for resources, which no rule allows", (rule) => {
      const own = ["run", "--deny=host.read_resource"];
      expect(taken([`--disallowedTools=${rule}`])).toEqual({ own, warnings: [] });
      expect(taken([`--allowedTools=${rule}`])).toEqual({ own: ["run"], warnings: [] });
    });

    test.each(["Read", "Bash(git log:*)", "Notebook*", "mcp", "AskUserQuestion"])("leave out %s", (rule) => {
      expect(taken([`--disallowedTools=${rule}`, `--allowedTools=${rule}`])).toEqual({ own: ["run"], warnings: [] });
    });
  });

  describe("settings", () => {
    test.each(["settings", "managed-settings"])("of --%s deny the tools that they deny in Claude Code", (name) => {
      expect(taken([`--${name}={"permissions":{"deny":["mcp__s","Bash(rm *)"]},"env":{"A":"b"}}`])).toEqual({
        own: ["run", "--deny=mcp__s"],
        warnings: [],
      });
      expect(ownArguments([`--${name}`, "deny.json"])).toEqual(["run", "--deny=mcp__s__push"]);
    });

    test.each([
      ['{"permissions":{"ask":["mcp__s"]}}', "permissions.ask"],
      ['{"permissions":{"deny":["*__push"]}}', "*__push"],
      ['{"permissions":{"deny":"mcp__s__push"}}', "permissions.deny"],
      ['{"permissions":{"deny":{"mcp__s__push":true}}}', "permissions.deny"],
      ['{"permissions":{"deny":[{"tool":"mcp__s__push"}]}}', "permissions.deny"],
      ['{"permissions":["mcp__s__push"]}', "permissions"],
      ['{"permissions":"mcp__s__push"}', "permissions"],
      ['{"claudeMd":"Never pay."}', "claudeMd"],
      ['{"permissions":{"defaultMode":"plan"}}', "permissions.defaultMode"],
      ['{"permissions":{"defaultMode":"dontAsk"}}', "permissions.defaultMode"],
      ['{"permissions":{"ofALaterRelease":["mcp__s"]}}', "permissions.ofALaterRelease"],
      ['{"hooks":{"PreToolUse":[{"matcher":"mcp__s"}]}}', "hooks.PreToolUse"],
      ['{"hooks":{"PostToolUse":[{"matcher":"mcp__s__mail"}]}}', "hooks.PostToolUse"],
      ['{"hooks":{"PostToolUse":[{"matcher":"Bash|mcp.+look"}]}}', "hooks.PostToolUse"],
      ['{"hooks":{"PostToolUse":[{"matcher":"^m"}]}}', "hooks.PostToolUse"],
      ['{"sandbox":{"enabled":true}}', "sandbox.enabled"],
      ['{"deniedMcpServers":[{"serverName":"s"}]}', "deniedMcpServers"],
      ['{"allowedMcpServers":[]}', "allowedMcpServers"],
      ['{"enabledPlugins":{"guard@market":true}}', "enabledPlugins"],
      ['{"agent":"reader"}', "agent"],
      ['{"autoMode":{"hard_deny":["Mail to strangers"]}}', "autoMode.hard_deny"],
      ['{"autoMode":{"soft_deny":["Pay"]}}', "autoMode.soft_deny"],
      ['{"allowManagedPermissionRulesOnly":true}', "allowManagedPermissionRulesOnly"],
      ['{"disableSideloadFlags":true}', "disableSideloadFlags"],
      ['{"strictPluginOnlyCustomization":["mcp"]}', "strictPluginOnlyCustomization"],
      ['{"allowedProviders":[]}', "allowedProviders"],
      ['{"availableModels":["haiku"]}', "availableModels"],
      ['{"deniedModels":["opus"]}', "deniedModels"],
      ['{"permissions":{"disableBypassPermissionsMode":"disable"}}', "permissions.disableBypassPermissionsMode"],
      ["no.json", "--settings"],
      ["missing.json", "--settings: cannot read missing.json"],
    ])("that forbid something which this host cannot forbid are refused: %s", (settings, why) => {
      expect(() => ownArguments(["--settings", settings, "--permission-mode=bypassPermissions"])).toThrow(why);
    });

    test.each([
      '{"hooks":{"PreToolUse":[],"PostToolUse":[{"matcher":"Edit|Write"},{"matcher":"*"},{"matcher":"Notebook.*"},{"matcher":"("}]}}',
      '{"sandbox":{"enabled":false}}',
      '{"enabledPlugins":{"guard@market":false},"deniedModels":[],"permissions":{"denyInsteadOfPrompting":false,"defaultMode":"auto"}}',
      '{"permissions":null,"claudeMd":""}',
      '{"permissions":{"deny":null}}',
      '{"permissions":{"allow":["mcp__s"],"blockReadsOutsideWorkingDirectories":true,"disableAutoMode":"disable"},"disableAllHooks":true}',
      "{}",
    ])("that forbid nothing are left out: %s", (settings) => {
      expect(taken(["--settings", settings])).toEqual({ own: ["run"], warnings: [] });
    });
  });

  test("ends the turn with the process, as Claude Code does", () => {
    const effects = { env: {}, keep: String, read: fail, warn: fail };
    expect(given(["-p", "hi"], effects)).toEqual(["run", "--ends-with-process", "--", "hi"]);
  });

  test.each([
    ["no built-in tools", ["--tools="], true],
    ["other built-in tools", ["--tools=Read,Edit"], true],
    ["the usual built-in tools", ["--tools=default"], false],
    ["a tool for resources", ["--tools", "Read", "ReadMcpResourceTool"], false],
  ])("a program that wants %s forbids to read resources: %j %s", (_, args, isForbidden) => {
    expect(ownArguments(args)).toEqual(["run", ...(isForbidden ? ["--deny=host.read_resource"] : [])]);
  });

  test("refuses several files of servers", () => {
    expect(() => ownArguments(["--mcp-config", "a.json", "b.json"])).toThrow("more than one --mcp-config");
  });

  test("takes a prompt, as claude -p does", () => {
    const own = ["run", "--output-format=claude-json", "--", "hi"];
    expect(ownArguments(["-p", "hi", "--output-format", "json"])).toEqual(own);
    expect(() => ownArguments(["-p", "hi", "--output-format", "json", "--verbose"])).toThrow("json with --verbose");
  });

  test("knows who approves by the mode", () => {
    expect(ownArguments(["--permission-mode=bypassPermissions"])).toEqual(["run", "--yes"]);
    expect(ownArguments(["--dangerously-skip-permissions", "-p", "hi"])).toEqual(["run", "--yes", "--", "hi"]);
    expect(ownArguments(["--permission-mode=dontAsk", "--permission-prompt-tool=stdio"])).toEqual(["run", "--ask"]);
    expect(ownArguments(["--permission-prompt-tool=stdio"])).toEqual([
      "run",
      "--permission-prompt-tool=stdio",
      "--ask",
    ]);
    expect(ownArguments(["--permission-mode=default"])).toEqual(["run"]);
  });

  describe("a program that wants a no in place of each prompt", () => {
    const prompts = "--permission-prompt-tool=stdio";
    const setting = '{"permissions":{"denyInsteadOfPrompting":true}}';

    test.each([
      [["--permission-prompts=none"]],
      [["--permission-prompts", "none"]],
      [["--settings", setting]],
      [["--managed-settings", setting]],
    ])("is not asked, and what no rule allows is denied: %j", (args) => {
      expect(taken(args)).toEqual({ own: ["run", "--ask"], warnings: [] });
      expect(taken([...args, prompts])).toEqual({ own: ["run", "--ask"], warnings: [] });
      expect(taken([...args, prompts, "--permission-mode=bypassPermissions"])).toEqual({
        own: ["run", "--yes"],
        warnings: [],
      });
    });

    test("is asked if it answers prompts itself", () => {
      expect(taken(["--permission-prompts=host", prompts])).toEqual({ own: ["run", prompts, "--ask"], warnings: [] });
      expect(taken(["--permission-prompts=host"])).toEqual({ own: ["run"], warnings: [] });
      expect(() => ownArguments(["--permission-prompts=later"])).toThrow("--permission-prompts later");
    });
  });

  // The arguments that the SDK 0.3.332 passes, besides those that the other tests translate.
  test.each(
    Object.entries({
      refused: [
        "--agent=a",
        "--continue",
        "--fork-session",
        "--json-schema={}",
        "--managed-settings-in-initialize",
        "--max-budget-usd=1",
        "--no-session-persistence",
        "--plugin-dir=p",
        "--plugin-dir-no-mcp=p",
        "--resume-drops-turn=m",
        "--resume-session-at=m",
        "--strict-mcp-config",
        "--task-budget=1",
      ],
      silent: [
        "--add-dir=d",
        "--allow-dangerously-skip-permissions",
        "--await-initialize",
        "--betas=b",
        "--debug",
        "--debug-file=f",
        "--effort=high",
        "--include-hook-events",
        "--initialize-fields=disallowedTools",
        "--max-thinking-tokens=1",
        "--project-config-root=d",
        "--session-mirror",
        "--setting-sources=",
        "--thinking=adaptive",
        "--thinking-display=omitted",
        "--verbose",
      ],
      warned: ["--channels=c", "--fallback-model=m"],
    }).flatMap(([outcome, args]) => args.map((arg) => [outcome, arg] as const)),
  )("knows every argument of the SDK: %s %s", (outcome, arg) => {
    if (outcome === "refused") expect(() => ownArguments([arg])).toThrow(arg.replace(/=.*/, ""));
    else expect(taken([arg])).toMatchObject({ own: ["run"], warnings: { length: outcome === "warned" ? 1 : 0 } });
  });

  test("takes system prompts, also from files", () => {
    const args = [
      "--system-prompt=Rhyme.",
      "--append-system-prompt=Be kind.",
      "--append-system-prompt-file",
      "more.txt",
    ];
    expect(ownArguments(args)).toEqual(["run", "--system=Rhyme.", "--append-system=Be kind.\n\nBriefly."]);
    expect(() => ownArguments(["--system-prompt-file=missing.txt"])).toThrow(
      "--system-prompt-file: cannot read missing.txt",
    );
  });

  test.each([
    ["update"],
    ["--agents={}"],
    ["-w"],
    ["mcp"],
    ["-c"],
    ["--plugin-url=x"],
    ["--restricted"],
    ["--safe-mode"],
    ["--bare"],
    ["--plan-mode-required"],
    ["--permission-mode=plan"],
  ])("refuses %s, which would have no effect", (arg) => {
    expect(() => ownArguments([arg])).toThrow(arg.replace(/^-+|=.*/g, ""));
  });

  test("refuses a value of a flag that takes none, as Claude Code does, but for flags without effect here", () => {
    for (const arg of ["--dangerously-skip-permissions=false", "--include-partial-messages=0"])
      expect(() => ownArguments([arg])).toThrow(arg);
    expect(ownArguments(["--debug=api", "-p"])).toEqual(["run"]);
  });

  test.each(["CLAUDE_CODE_RESTRICTED", "CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE"])(
    "refuses the variable %s like its flag",
    (name) => {
      for (const value of ["1", "true", " Yes ", "on"]) expect(() => taken([], { [name]: value })).toThrow(name);
      for (const value of ["", "0", "off"]) expect(taken([], { [name]: value }).own).toEqual(["run"]);
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
      "--ask",
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
    expect(own).toEqual(["run", "--output-format=claude-json", "--", "hi"]);
    expect(warnings).toEqual([expect.stringContaining(args[0]?.replace(/^-+|=.*/g, "") ?? "")]);
  });

  test("asks in a permission mode that is not known, and says so", () => {
    const { own, warnings } = taken(["--permission-mode=later", "--permission-prompt-tool=stdio"]);
    expect(own).toEqual(["run", "--permission-prompt-tool=stdio", "--ask"]);
    expect(warnings).toEqual([expect.stringContaining("--permission-mode later")]);
    expect(ownArguments(["--permission-mode=later"])).toEqual(["run", "--ask"]);
  });

  test("says its version", () => {
    expect(ownArguments(["--version"])).toEqual(["--version"]);
  });
});

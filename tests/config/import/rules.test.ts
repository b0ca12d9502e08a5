import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { findAll, importFrom } from "../../../src/config/import/find-files.js";
import { type ImportChoices, type ImportTarget, planImport } from "../../../src/config/import/import-plan.js";
import { importReport, previewOf } from "../../../src/config/import/import-report.js";
import { loadConfig } from "../../../src/config/reading/load.js";
import { isDenied } from "../../../src/mcp/lists/tool-facts.js";
import { startHub } from "../../support/mcp-hub.js";
import { processorMs } from "../../support/processor-time.js";
import { type Folder, folderWith } from "../folder.js";

function at(folder: Folder) {
  return { platform: "linux" as const, env: {}, home: join(folder.path, "home"), cwd: folder.path };
}

/** Plans the import of a file into a configuration with this text. */
function planned(
  file: Record<string, string>,
  {
    text = "",
    servers = {},
    env = {},
    replace = false,
    secrets = "keep",
  }: Partial<ImportTarget & ImportChoices & { text: string }> = {},
) {
  using folder = folderWith(file);
  const files = importFrom(Object.keys(file)[0] ?? "", at(folder));
  const target = { file: "config.yaml", folder: folder.path, text, servers, env };
  const plan = planImport(files, target, { replace, secrets });
  return {
    entries: Object.fromEntries(plan.edits.map(({ name, entry }) => [name, entry])),
    report: importReport(files, plan, { file: "config.yaml", isDone: true }).replaceAll(folder.path, ""),
    preview: previewOf(plan, target),
    hasSecrets: plan.hasSecrets,
  };
}

const claude = (servers: object) => ({ ".mcp.json": JSON.stringify({ mcpServers: servers }) });

test("a server with a name that exists already is kept, unless --replace is given", () => {
  const file = claude({ a: { command: "new" } });
  const before = { text: "mcpServers:\n  a:\n    command: old\n", servers: { a: { command: "old" } } };
  const kept = planned(file, before);
  expect([kept.entries, kept.preview]).toEqual([{}, ""]);
  expect(kept.report).toContain(
    "a: kept: config.yaml has a server of this name, which stays (--replace takes this one)",
  );
  const replaced = planned(file, { ...before, replace: true });
  expect(replaced.preview).toContain("-    command: old\n+    command: new\n");
  expect(replaced.report).toContain("a: replaced");
});

test("a server called __proto__ is left out, and the others are imported", () => {
  const servers = '{"__proto__":{"command":"x"},"constructor":{"command":"y"}}';
  const { entries, report, preview } = planned({ ".mcp.json": `{"mcpServers":${servers}}` });
  expect(Object.keys(entries)).toEqual(["constructor"]);
  expect(report).toContain("__proto__: left out: no server can have this name");
  expect(preview).toContain("+  constructor:\n");
});

test.each([
  [".mcp.json", `{"mcpServers":{"a":{"command":"x","env":{"A":"${"${A:-".repeat(20_000)}"}}}}`],
  [".cursor/mcp.json", `{"mcpServers":{"a":{"command":"x","args":["${"${".repeat(50_000)}"]}}}`],
  [".mcp.json", `/*${"*".repeat(200_000)} */ {"mcpServers":{"a":{"command":"x"}}}`],
  ["config.toml", `[mcp_servers.a]\ncommand = "x"\nargs = [\n"a",${" ".repeat(200_000)}"b"]`],
])("a file with a very long text is read quickly (%#)", (name, text) => {
  using folder = folderWith({ [name]: text });
  const begun = processorMs();
  expect(importFrom(name, at(folder))).toHaveLength(1);
  expect(processorMs() - begun).toBeLessThan(3_000);
});

test("every key without a counterpart is named in a note", () => {
  const { report } = planned(
    claude({ a: { command: "x", transportOptions: 1, alwaysLoad: true, env: { DEEP: {} }, args: "no list" }, b: 7 }),
  );
  expect(report.split("\n").slice(1)).toEqual([
    "  a: added",
    "    transportOptions: has no counterpart here",
    "    env.DEEP: is not a text, so it was left out",
    "    args: is not a list of texts, so it was left out",
    "  b: left out: it is not a mapping",
    "  rules in settings.json of Claude Code: were not imported: write under `permissions` what they forbid",
    "config.yaml: 1 added, 1 left out",
  ]);
});

test("a server that would keep the configuration from loading is disabled or left out, with the reason", () => {
  const { entries, report } = planned(claude({ a: { command: "x", env: { K: "${UNSET_KEY}" } }, b: { args: ["y"] } }));
  expect(entries.a).toMatchObject({ enabled: false, cwd: "." }); // the project is the folder of the configuration
  expect(report).toContain("a: added, switched off: env.K: environment variable UNSET_KEY is not set");
  expect(report).toContain("b: left out: needs `command` (stdio) or `url` (http)");
  expect(
    planned(claude({ a: { command: "x", env: { K: "${K}" } } }), { env: { K: "1" } }).entries.a,
  ).not.toHaveProperty("enabled");
});

const withSecrets = claude({
  git: {
    command: "git-mcp",
    args: ["--token", "arg-secret-0123"],
    env: { GIT_TOKEN: "env-secret-0123", MODE: "fast" },
  },
  web: {
    type: "http",
    url: "https://x.example/mcp?key=url-secret-0123",
    headers: { Authorization: "Bearer head-secret-0123" },
  },
});

test("the report never shows a secret", () => {
  const { preview, report, hasSecrets } = planned(withSecrets);
  expect(preview + report).not.toMatch(/secret-0123/);
  expect(preview).toContain('GIT_TOKEN: "***"');
  expect(hasSecrets).toBe(true);
});

test("in a file that others can read, a placeholder replaces each secret, and the server is disabled until its variable is set", () => {
  const { entries, report, hasSecrets } = planned(withSecrets, { secrets: "refer" });
  expect(entries.git).toMatchObject({
    args: ["--token", "${GIT_SECRET2}"],
    env: { GIT_TOKEN: "${GIT_TOKEN}", MODE: "fast" },
    enabled: false,
  });
  expect(entries.web).toMatchObject({
    headers: { Authorization: expect.stringMatching(/^Bearer \$\{WEB_SECRET\d?\}$/) },
  });
  expect(JSON.stringify(entries)).not.toContain("secret-0123");
  expect(report).toContain("its secrets were not copied: set GIT_TOKEN, GIT_SECRET2 to them");
  expect(hasSecrets).toBe(false);
});

test("a server does not get a secret of the user because its placeholder names a variable that is set", () => {
  const env = { GIT_SECRET2: "users-own", WEB_SECRET: "users-own", WEB_SECRET2: "users-own" };
  const { entries, report } = planned(withSecrets, { secrets: "refer", env });
  expect([entries.git?.enabled, entries.web?.enabled]).toEqual([false, false]);
  expect(report).toContain("the variable GIT_SECRET2, which stands for a secret of the file, has a value");
  expect(planned(withSecrets, { secrets: "keep", env }).entries.git).not.toHaveProperty("enabled");
});

test.each([
  [
    "Roo Code, whose times are seconds",
    { "mcp_settings.json": '{"mcpServers":{"a":{"command":"x","timeout":30,"disabledTools":["t"]}}}' },
    { timeout: "30s", tools: { deny: ["t"] } },
  ],
  [
    "opencode 2",
    {
      "opencode.json":
        '{"mcp":{"servers":{"a":{"type":"local","command":["x"],"disabled":true,"timeout":{"startup":5000,"request":700}}}}}',
    },
    { enabled: false, startup_timeout: "5s", timeout: "700ms" },
  ],
  [
    "Codex, whose empty list of tools is none",
    { "c.toml": '[mcp_servers.a]\ncommand = "x"\nenabled_tools = []\n' },
    { tools: { deny: ["*"] } },
  ],
  [
    "Kit, whose headers are lines",
    {
      "k.yml":
        'mcpServers:\n  a:\n    type: remote\n    url: http://x\n    headers: ["Authorization: Bearer ${env://T:-a:b}"]\n',
    },
    { headers: { Authorization: "Bearer ${T:-a:b}" }, type: "http" },
  ],
  [
    "VS Code's settings.json",
    { "settings.json": '{"mcp":{"servers":{"a":{"command":"${userHome}/x"}}}}' },
    { command: "${HOME}/x" },
  ],
])("a file is recognised by its content: %s", (_, file, expected) => {
  expect(planned(file, { env: { HOME: "/home/me" } }).entries.a).toMatchObject(expected);
});

/** Plans the import of a server `git.hub` from an opencode.json with these rules. */
const opencodeTools = (rules: object, files: Record<string, string> = {}) => {
  const mcp = { "git.hub": { type: "local", command: ["x"] } };
  const { entries } = planned({ "opencode.json": JSON.stringify({ mcp, ...rules }), ...files });
  return { tools: entries["git.hub"]?.tools };
};

test.each<[permission: object | string, denied: string[] | undefined]>([
  [{ "git_hub_*": "ask", git_hub_get: "allow" }, undefined],
  [{ git_hub_drop: "deny", "git_hub_*": "allow" }, ["drop"]],
  [{ "git_hub_*": "allow", "*_drop": "deny" }, ["*_drop", "drop"]],
  [{ "git_hub_*": "allow", "git*drop": "deny" }, ["*drop"]],
  [{ "git_hub_*": "allow", "git_hub_dro?": "deny" }, ["dro*"]],
  [{ "git_hub_*": "allow", git_hub_drop: { "*": "deny" } }, ["drop"]],
  [{ git_hub_drop: { "*": "allow", secret: "deny" } }, ["drop"]],
  [{ "git_hub_*": "deny", git_hub_get: "allow" }, ["*"]],
  [{ "*": "deny", "git_hub_*": "ask" }, undefined],
  [{ "git_hub_d*": "deny", "git_hub_?*": "allow" }, ["d*"]],
  [{ "git_hub_*": "deny", "other_*": "allow" }, ["*"]],
  ["allow", undefined],
  ["deny", ["*"]],
  [{ "git_hub_d*": "deny", "git_hub_*": {} }, ["d*"]],
  [{ "git_hub_d*": "deny", "git_hub_*": "newer" }, ["d*"]],
])("a tool that opencode denies stays denied: %j", (permission, denied) => {
  expect(opencodeTools({ permission }).tools).toEqual(denied && { deny: denied });
});

type ListedRule = [action: string, resource: string, effect: string];

test.each<[rules: ListedRule[], denied: string[] | undefined]>([
  [[["git_hub_drop", "*", "deny"]], ["drop"]],
  [
    [
      ["git_hub_drop", "*", "deny"],
      ["*", "*", "allow"],
    ],
    ["drop"],
  ],
  [[["*_drop", "x", "deny"]], ["*_drop", "drop"]],
  [
    [
      ["git_hub_d*", "*", "deny"],
      ["git_hub_*", "*", "ask"],
    ],
    undefined,
  ],
  [
    [
      ["git_hub_d*", "*", "deny"],
      ["git_hub_*", "x", "allow"],
    ],
    ["d*"],
  ],
  [[["git_hub_*", "*", "allow"]], undefined],
])("a tool that opencode 2 denies stays denied: %j", (rules, denied) => {
  const permissions = rules.map(([action, resource, effect]) => ({ action, resource, effect }));
  const { tools } = opencodeTools({ permissions });
  expect(tools).toEqual(denied && { deny: denied });
});

test("no rule of opencode 2 revokes a denial of another file or version", () => {
  const users = { permissions: [{ action: "git_hub_*", resource: "*", effect: "allow" }] };
  const file = { "home/.config/opencode/opencode.json": JSON.stringify(users) };
  expect(opencodeTools({ permission: { "git_hub_d*": "deny" } }, file).tools).toEqual({ deny: ["d*"] });
  const inUsersFile = { permissions: [{ action: "git_hub_d*", resource: "*", effect: "deny" }] };
  const denying = { "home/.config/opencode/opencode.json": JSON.stringify(inUsersFile) };
  expect(opencodeTools({}, denying).tools).toEqual({ deny: ["d*"] });
});

test.each<[permissions: object, tools: object | undefined]>([
  [{ tools: { "mcp:git:hub:drop": { default: "deny" }, "mcp:other:x": { default: "deny" } } }, { deny: ["drop"] }],
  [{ tools: { "mcp:git:hub:drop": { default: "allow", always_deny: [{ pattern: "x" }] } } }, { deny: ["drop"] }],
  [{ tools: { "mcp:git:hub:drop": { default: "newer" } } }, { deny: ["drop"] }],
  [{ default: "deny" }, { deny: ["*"] }],
  [{ default: "deny", tools: { "mcp:git:hub:get": { default: "confirm" } } }, { allow: ["get"] }],
  [{ default: "deny", tools: { "mcp:git:hub:*": { default: "allow" } } }, { deny: ["*"] }],
  [{ default: "confirm", tools: { terminal: { default: "deny" } } }, undefined],
  [{ default: "allow" }, undefined],
])("a tool that Zed denies stays denied: %j", (permissions, tools) => {
  const contextServers = { "git:hub": { command: "x" } };
  const agent = { tool_permissions: permissions };
  const own = planned({ ".zed/settings.json": JSON.stringify({ context_servers: contextServers, agent }) });
  const users = planned({
    ".zed/settings.json": JSON.stringify({ context_servers: contextServers }),
    "home/.config/zed/settings.json": JSON.stringify({ agent }),
  });
  expect([own.entries["git:hub"]?.tools, users.entries["git:hub"]?.tools]).toEqual([tools, tools]);
});

test("rules in several files of opencode are combined like rules in one file", () => {
  const users = (name: string, permission: object) => ({
    [`home/.config/opencode/${name}`]: JSON.stringify({ permission }),
  });
  const all = { "git_hub_*": "allow" };
  const none = { "git_hub_*": "deny" };
  const but = { "git_hub_d*": "deny" };
  expect(opencodeTools({ permission: all }, users("opencode.json", { ...all, ...but })).tools).toEqual({
    deny: ["d*"],
  });
  expect(opencodeTools({ permission: all }, users("opencode.json", none)).tools).toBeUndefined();
  expect(opencodeTools({ tools: { "git_hub_*": true } }, users("opencode.json", {})).tools).toBeUndefined();
  expect(opencodeTools({ tools: { "*": false, "git_hub_*": true } }).tools).toBeUndefined();
  const both = { ...users("opencode.json", all), ...users("opencode.jsonc", but) };
  expect(opencodeTools({}, both).tools).toEqual({ deny: ["d*"] });
});

test("a pattern with very many stars is read quickly", () => {
  const begun = processorMs();
  opencodeTools({ permission: { [`${"*g*?".repeat(5_000)}`]: "ask", "git_hub_*": "allow" } });
  expect(processorMs() - begun).toBeLessThan(3_000);
});

test.each<[file: string, text: string]>([
  [".mcp.json", '{"mcpServers":{"a":{"command":"x","alwaysAllow":["x","y"]}}}'],
  [".mcp.json", '{"mcpServers":{"a":{"command":"x","tools":[{"name":"x","permission_policy":"always_allow"}]}}}'],
  [".cursor/mcp.json", '{"mcpServers":{"a":{"command":"x","autoApprove":["*"]}}}'],
  [".gemini/settings.json", '{"mcpServers":{"a":{"command":"x","trust":true}}}'],
  ["config.toml", '[mcp_servers.a]\ncommand = "x"\ndefault_tools_approval_mode = "approve"'],
  ["config.toml", '[mcp_servers.a]\ncommand = "x"\ntools.get.approval_mode = "approve"'],
])("no tool runs unasked because another program allows it, and a note says so: %s %s", (file, text) => {
  const { entries, report } = planned({ [file]: text });
  expect(entries.a?.tools).toBeUndefined();
  expect(report).toContain(': what ran unasked there is asked about here: answer "always", or use');
});

test("a list of the tools that a program offers, and unknown modes of Codex, are kept", () => {
  const { entries, report: claudes } = planned(
    claude({ a: { type: "local", command: "x", tools: ["look"] }, b: { command: "x", tools: [] } }),
  );
  expect(claudes).not.toContain("no transport of this host");
  expect([entries.a?.tools, entries.b?.tools]).toEqual([{ allow: ["look"] }, { deny: ["*"] }]);
  const toml = '[mcp_servers.a]\ncommand = "x"\ntools.get = { approval_mode = "never" }\ntools.put = false';
  const { report } = planned({ "config.toml": toml });
  expect(report).toContain("tools: has a rule that is not known here, so its tool is asked about");
});

test("a tool that Claude Code denies stays denied, and a note names an unknown policy", () => {
  const policy = (name: string, rule: string) => ({ name, permission_policy: `always_${rule}` });
  const { entries, report } = planned(
    claude({ a: { command: "x", tools: [policy("x", "deny"), policy("y", "newer")] } }),
  );
  expect(entries.a?.tools).toEqual({ deny: ["x"] });
  expect(report).toContain("tools: has a rule that is not known here, so its tool is asked about");
});

/** Files of programs whose servers have the form of Claude Desktop, with the key of their servers. */
const likeDesktop = [
  [".mcp.json", "mcpServers"],
  ["claude_desktop_config.json", "mcpServers"],
  [".vscode/mcp.json", "servers"],
  [".gemini/settings.json", "mcpServers"],
  [".cursor/mcp.json", "mcpServers"],
  [".kit.json", "mcpServers"],
  [".zed/settings.json", "context_servers"],
] as const;

test.each(likeDesktop)(
  "a server or tool that a file switches off stays off, whatever the key is called: %s",
  (file, key) => {
    const servers = {
      a: { command: "x", disabled: true },
      b: { command: "x", enabled: false },
      c: { command: "x", disabledTools: ["t"], excludeTools: ["u"] },
    };
    const { a, b, c } = planned({ [file]: JSON.stringify({ [key]: servers }) }).entries;
    expect([a?.enabled, b?.enabled, c?.enabled]).toEqual([false, false, undefined]);
    expect(c?.tools).toEqual({ deny: ["t", "u"] });
  },
);

test.each([
  [".mcp.json", `{"mcpServers":{"a":{"command":"x"}},"b":${"[".repeat(600)}${"]".repeat(600)}}`],
  [".mcp.json", `{"mcpServers":{"a":{"command":"x"}},"deny":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`],
])("a file that is nested too deeply is refused with its name: %s (%#)", (name, text) => {
  using folder = folderWith({ [name]: text });
  expect(() => importFrom(name, at(folder))).toThrow(`${name}: is nested more than 500 levels deep`);
});

test("a name or a key with line breaks adds no lines to the report", () => {
  const servers = { "a\n  bank: added": { command: "x", "b\r\n  c: added": 1 } };
  const { report } = planned({ ".mcp.json": JSON.stringify({ mcpServers: servers }) });
  expect(report.split("\n").map((line) => line.slice(0, 20))).toEqual([
    ".mcp.json:",
    "  a bank: added: add",
    "    b c: added: has ",
    "  rules in settings.",
    "config.yaml: 1 added",
  ]);
});

test("a tool that opencode and Gemini CLI deny under their own spelling is not offered", async () => {
  const tools = ["admin.wipe", "admin/wipe", "look"].map((name) => ({ name, inputSchema: { type: "object" } }));
  const args = [resolve("tests/support/mcp-server.mjs"), JSON.stringify({ pages: [tools] })];
  const mcp = (name: string) => ({ [name]: { type: "local", command: [process.execPath, ...args] } });
  const rule = { action: "d_admin_wipe", resource: "*", effect: "deny" };
  const settings = [
    { mcp: mcp("a") },
    { mcp: mcp("b"), permission: { b_admin_wipe: "deny" } },
    { mcp: mcp("c"), tools: { c_admin_wipe: false } },
    { mcp: { servers: mcp("d") }, permissions: [rule] },
  ];
  const gemini = { mcpServers: { e: { command: process.execPath, args } }, tools: { exclude: ["mcp_e_admin_wipe"] } };
  const mcpServers = Object.assign(
    {},
    ...settings.map((file) => planned({ "opencode.json": JSON.stringify(file) }).entries),
    planned({ ".gemini/settings.json": JSON.stringify(gemini) }).entries,
  );
  await using running = startHub(...loadConfig({ mcpServers }, { env: {} }).config.mcpServers);
  await running.hub.ready();
  const offered = running.hub.tools().map(({ server, tool }) => `${server}.${tool}`);
  expect(offered).toEqual(["a.admin.wipe", "a.admin/wipe", "a.look", "b.look", "c.look", "d.look", "e.look"]);
});

const longName = "add_a_comment_to_the_pending_review_of_this_pull_request_on_github";
const long = `mcp_git_${longName}`;

test.each([
  ["git", `${long.slice(0, 30)}...${long.slice(-30)}`, longName],
  ["git", `${longName.slice(0, 28)}___${longName.slice(-32)}`, longName],
  ["a-server-with-a-rather-long-name", `mcp_a-server-with-a-rather-lon...${longName.slice(-30)}`, longName],
  ["mcp_git", "mcp_git_wipe", "wipe"],
  ["git", "mcp_git_area_admin.wipe", "area/admin.wipe"],
  ["git", "mcp_git_area_admin:wipe", "area/admin:wipe"],
  ["mcp_git", `${long.slice(0, 30)}...${long.slice(-30)}`, longName],
])("the tool of server %s that Gemini CLI excludes as %s stays denied", (name, excluded, tool) => {
  const settings = { mcpServers: { [name]: { command: "x" } }, tools: { exclude: [excluded] } };
  const { entries } = planned({ ".gemini/settings.json": JSON.stringify(settings) });
  const [server] = loadConfig({ mcpServers: entries }, { env: {} }).config.mcpServers;
  expect([tool, "look", "add_a_comment"].map((each) => server && isDenied(server, each))).toEqual([true, false, false]);
});

test("an entry that starts this program is left out, unless it names a configuration of its own", () => {
  const starts = (command: string, ...args: string[]) => ({ command, args });
  const { entries, report } = planned(
    claude({
      a: starts("mcp-platform", "mcp"),
      b: starts("npx", "-y", "mcp-platform@1.0.0", "mcp"),
      c: starts("/opt/bin/mcp-platform", "mcp"),
      d: starts("mcp-platform", "--config", "/x/gateway.yaml", "mcp"),
      e: starts("mcp-platform-tools", "mcp"),
      f: { ...starts("mcp-platform", "mcp"), env: { MCP_PLATFORM_CONFIG: "/x/gateway.yaml" } },
      g: starts("ssh", "box", "mcp-platform", "mcp"),
      h: starts("/srv/mcp-platform", "serve", "mcp"),
      i: starts("node", "/x/mcp-platform/dist/main.js", "mcp"),
    }),
  );
  expect(Object.keys(entries)).toEqual(["d", "e", "f", "g", "h"]);
  expect(report).toContain("a: left out: it is this program itself, which has these servers");
});

test("a server that VS Code runs in a sandbox is imported as disabled", () => {
  const servers = { a: { command: "x", sandboxEnabled: true }, b: { command: "x", sandboxEnabled: false } };
  const { entries, report } = planned({ ".vscode/mcp.json": JSON.stringify({ servers }) });
  expect([entries.a?.enabled, entries.b?.enabled]).toEqual([false, undefined]);
  expect(report).toContain("asks for a sandbox, which this host does not put servers in");
});

test("servers of a .mcp.json that the user has refused in Claude Code are imported as disabled", () => {
  using folder = folderWith({
    ".mcp.json": '{"mcpServers":{"a":{"command":"x"},"b":{"command":"x"},"c":{"command":"x"}}}',
  });
  const lists = { disabledMcpjsonServers: ["a"], disabledMcpServers: ["b"] };
  mkdirSync(join(folder.path, "home"));
  writeFileSync(join(folder.path, "home/.claude.json"), JSON.stringify({ projects: { [folder.path]: lists } }));
  const [{ servers = [] } = {}] = importFrom(".mcp.json", at(folder));
  expect(servers.map(({ name, entry }) => [name, entry.enabled])).toEqual([
    ["a", false],
    ["b", false],
    ["c", undefined],
  ]);
});

test("tools that Gemini CLI excludes for all servers stay excluded, also by the user's own file", () => {
  const mcpServers = { hub: { command: "x", trust: true }, b: { command: "x" } };
  const own = { tools: { exclude: ["drop", "mcp_hub_push"] }, excludeTools: ["hub__x", "run_shell_command(rm)"] };
  const users = { tools: { exclude: ["mcp_hub_y"] }, mcp: { excluded: ["b"] }, excludeMCPServers: ["c"] };
  const { entries } = planned({
    ".gemini/settings.json": JSON.stringify({ mcpServers, ...own }),
    "home/.gemini/settings.json": JSON.stringify(users),
  });
  expect(entries.hub?.tools).toEqual({ deny: ["mcp_hub_y", "y", "drop", "mcp_hub_push", "push", "hub__x", "x"] });
  expect([entries.hub?.enabled, entries.b?.enabled]).toEqual([undefined, false]);
});

test("a server that `gemini mcp disable` has switched off is imported as disabled", () => {
  const { entries } = planned({
    ".gemini/settings.json": JSON.stringify({ mcpServers: { Bank: { command: "x" }, other: { command: "x" } } }),
    "home/.gemini/mcp-server-enablement.json": '{"bank":{"enabled":false},"other":{"enabled":true}}',
  });
  expect([entries.Bank?.enabled, entries.other?.enabled]).toEqual([false, undefined]);
});

test.each([
  ["claude-code", ".mcp.json", "mcpServers", "settings.json of Claude Code"],
  ["cursor", ".cursor/mcp.json", "mcpServers", "cli-config.json and cli.json of Cursor"],
  ["vscode", ".vscode/mcp.json", "servers", "settings.json of VS Code"],
  ["gemini", ".gemini/settings.json", "mcpServers", "policies and tools.core of Gemini CLI"],
  ["codex", "codex.json", "mcp_servers", "apps and profiles of Codex"],
  ["opencode", "opencode.json", "mcp", "agents, modes and plugins of opencode"],
  ["goose", "goose.json", "extensions", "GOOSE_MODE and permission.yaml of goose"],
  ["zed", ".zed/settings.json", "context_servers", "profiles of Zed's agent"],
  ["a program that is not known", "other.json", "mcpServers", undefined],
])("a note names the files of %s whose rules about tools are not imported", (_, file, key, rules) => {
  const { report } = planned({ [file]: JSON.stringify({ [key]: { a: { type: "local", command: "x", cmd: "x" } } }) });
  const notes = report.split("\n").filter((line) => line.includes("not imported"));
  expect(notes).toEqual(
    rules ? [`  rules in ${rules}: were not imported: write under \`permissions\` what they forbid`] : [],
  );
});

test("a --from that is neither a known program nor a file is an error with a suggestion", () => {
  using folder = folderWith({});
  expect(() => importFrom("curser", at(folder))).toThrow(
    "curser is neither a known program nor a file (did you mean cursor?)",
  );
  expect(() => importFrom("zed", at(folder))).toThrow(
    "Zed has no configuration at its usual places: .zed/settings.json",
  );
});

test("a tool's files in the working folder are told apart from the user's own, also in the home folder", () => {
  const text = '{"mcpServers":{"a":{"command":"x"}}}';
  using folder = folderWith({ ".mcp.json": text, ".cursor/mcp.json": text, "home/.cursor/mcp.json": text });
  mkdirSync(join(folder.path, "home"), { recursive: true });
  writeFileSync(join(folder.path, "home/.claude.json"), text);
  const told = (from: string, surroundings = at(folder)) =>
    importFrom(from, surroundings).map(({ file, isOfFolder }) => [file.replace(folder.path, ""), isOfFolder === true]);
  expect(told("claude-code").sort()).toEqual([
    [".mcp.json", true],
    ["home/.claude.json", false],
  ]);
  expect(told("cursor").sort()).toEqual([
    [".cursor/mcp.json", true],
    ["home/.cursor/mcp.json", false],
  ]);
  expect(told("cursor", { ...at(folder), cwd: join(folder.path, "home") })).toEqual([[".cursor/mcp.json", false]]);
  expect(told(".mcp.json")).toEqual([[".mcp.json", false]]);
});

test("a broken file is reported with its place, and the other files are read", () => {
  using folder = folderWith({
    ".mcp.json": '{\n  "mcpServers": {]\n}',
    "opencode.json": '{"mcp":{"a":{"type":"local","command":["x"]}}}',
  });
  const found = findAll(at(folder)).map(({ program, imported }) => [
    program.tool,
    "problem" in imported ? imported.problem : imported.servers.length,
  ]);
  expect(found).toEqual([
    ["claude-code", expect.stringMatching(/^\.mcp\.json:2:18: not valid JSON/)],
    ["opencode", 1],
  ]);
  using toml = folderWith({ "x.toml": 'a = 1\nkey = "secret-0123\n' });
  expect(() => importFrom("x.toml", at(toml))).toThrow(/^x\.toml:2:\d+: not valid TOML: (?!.*secret-0123)/);
});

test.each([
  ["darwin", "Library/Application Support/Claude/claude_desktop_config.json", "claude-desktop"],
  ["darwin", "Library/Application Support/Code/User/mcp.json", "vscode"],
  ["win32", "AppData/Roaming/Claude/claude_desktop_config.json", "claude-desktop"],
  ["win32", "AppData/Roaming/Block/goose/config/config.yaml", "goose"],
] as const)("on %s the configuration of a tool is looked for at %s", (platform, path, tool) => {
  using folder = folderWith({});
  const file = join(folder.path, "home", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, path.endsWith("yaml") ? "extensions: {}\n" : "{}");
  const found = findAll({ ...at(folder), platform });
  expect(found.map(({ program }) => program.tool)).toEqual([tool]);
});

test("the preview shows placeholders, without the texts in or next to them", () => {
  const headers = {
    Authorization: "Bearer ${TOKEN}",
    "X-Auth": "${TOK:-sekret}",
    "X-Pair": "${USER}:${PASS}",
    "X-Empty": "${NONE:-}",
    "X-Nested": "${ONE:-${TWO:-sekret}}",
  };
  const { preview } = planned(
    claude({ a: { command: "x", env: { API_KEY: "x${NOPE}sekret" } }, b: { url: "https://h/mcp", headers } }),
  );
  expect(preview).not.toContain("sekret");
  for (const shown of [
    `API_KEY: "***\${NOPE}***"`,
    "Authorization: Bearer ${TOKEN}",
    "X-Auth: ${TOK:-***}",
    "X-Pair: ${USER}:${PASS}",
    "X-Empty: ${NONE:-}",
  ]) {
    expect(preview).toContain(shown);
  }
});

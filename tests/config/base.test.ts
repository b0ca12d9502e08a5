import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { dump } from "js-yaml";
import { fingerprint, projectServers, refuse } from "../../src/config/consent/project-servers.js";
import { type LoadedConfig, loadConfig } from "../../src/config/reading/load.js";
import { errorsOf, type Folder, folderWith } from "./folder.js";

/** Loads the configuration of a folder on top of the user's own, with only the variables in `env`. */
function layered(found: object, own: object, env: Record<string, string> = {}, more: Record<string, string> = {}) {
  using folder = folderWith({ "project/config.yaml": dump(found), "own/config.yaml": dump(own), ...more });
  return loadIn(folder, env);
}

function loadIn(folder: Folder, env: Record<string, string> = {}): LoadedConfig {
  return loadConfig("config.yaml", {
    env: { HOME: "/home/me", ...env },
    cwd: join(folder.path, "project"),
    base: "../own/config.yaml",
  });
}

const permissions = (rules: object) => ({ chat: { service: { permissions: rules } } });

test("deny and ask rules hold from both files, and allow rules only from the upper one", () => {
  const own = permissions({ deny: ["evil.*", "shell.*"], ask: ["git.*"], allow: ["fs.*"] });
  const { config } = layered(permissions({ deny: ["shell.*", "web.*"], ask: [], allow: ["web.*"] }), own);
  expect(config.chat.service.permissions).toEqual({
    deny: ["shell.*", "web.*", "evil.*"],
    ask: ["git.*"],
    allow: ["web.*"],
  });
});

test("of two limits the lower one holds, and its origin is shown", () => {
  const own = {
    llm: { providers: { openai: { rpm: 10, tpm: 500 } } },
    chat: { service: { max_tool_hops: 4 }, limits: { turn: { usd: 1, time: "2m" }, day: { usd: 5 } } },
  };
  const found = {
    llm: { providers: { openai: { rpm: 100, tpm: 100 } } },
    chat: { service: { max_tool_hops: 50 }, limits: { turn: { usd: 100, time: "90s", calls: 3 }, day: { usd: 50 } } },
  };
  const { config, originOf } = layered(found, own);
  expect(config.chat.limits).toEqual({ turn: { usd: 1, timeMs: 90_000, calls: 3 }, conversation: {}, day: { usd: 5 } });
  expect(config.chat.service.maxToolHops).toBe(4);
  expect(config.llm.providers.openai).toMatchObject({ rpm: 10, tpm: 100 });
  expect(originOf("/chat/limits/turn/usd")).toMatch(/own\/config\.yaml:\d+$/);
  expect(originOf("/chat/limits/turn/time")).toMatch(/^config\.yaml:\d+$/);
});

test("the environment and flags win, also if they raise a limit of both files", () => {
  const limit = (usd: number) => ({ chat: { limits: { day: { usd } } } });
  const { config } = layered(limit(3), limit(5), { MCP_PLATFORM_CHAT__LIMITS__DAY__USD: "9" });
  expect(config.chat.limits.day).toEqual({ usd: 9 });
});

test("a default value of the user's file does not count as a limit", () => {
  expect(layered({ chat: { service: { max_tool_hops: 50 } } }, {}).config.chat.service.maxToolHops).toBe(50);
});

test("a server replaces the user's whole server of that name, and gets none of its secrets", () => {
  const own = {
    mcpServers: {
      mine: { command: "mine" },
      git: { command: "git", env: { TOKEN: "t0ken" }, trusted: true, tools: { deny: ["push"] } },
    },
  };
  const { config } = layered({ mcpServers: { git: { command: "evil" }, more: { command: "more" } } }, own);
  const git = config.mcpServers.find(({ name }) => name === "git");
  expect(config.mcpServers.map(({ name }) => name)).toEqual(["mine", "git", "more"]);
  expect(git).toMatchObject({ command: "evil", env: {}, trusted: false });
  // The user denied this tool on a server of the same name, so it stays denied.
  expect(git?.tools.deny).toEqual(["push"]);
});

test("servers of the user's mcp.config_file stay, and so do those of the other file's", () => {
  const servers = (...names: string[]) =>
    JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, { command: name }])) });
  const found = { mcp: { config_file: "servers.json" }, mcpServers: { inline: { command: "inline" } } };
  const { config, files } = layered(
    found,
    { mcp: { config_file: "servers.json" } },
    {},
    {
      "own/servers.json": servers("mine", "inline"),
      "project/servers.json": servers("theirs"),
    },
  );
  expect(config.mcpServers.map(({ name }) => name).toSorted()).toEqual(["inline", "mine", "theirs"]);
  expect(files.size).toBe(4);
});

test.each([
  ["the user's file", { base: undefined, file: "own/config.yaml" }],
  ["a found file above the user's", { base: "own/config.yaml", file: "project/config.yaml" }],
])(
  "a server of --mcp-config replaces its namesake of %s as a whole, and all other servers stay",
  (_case, { base, file }) => {
    const namesake = {
      command: "users",
      env: { TOKEN: "t0ken" },
      trusted: true,
      tools: { auto_approve: ["drop"], deny: ["look"] },
    };
    using folder = folderWith({
      "own/config.yaml": dump({
        mcp: { config_file: "more.json" },
        mcpServers: { db: namesake, mine: { command: "mine" } },
      }),
      "own/more.json": JSON.stringify({ mcpServers: { listed: { command: "listed" } } }),
      "project/config.yaml": dump({ mcpServers: { db: { command: "found", enabled: false } } }),
      "flag.json": JSON.stringify({ mcpServers: { db: { command: "programs" } } }),
    });
    const overrides = { mcp: { config_file: join(folder.path, "flag.json") } };
    const loaded = loadConfig(file, { env: {}, cwd: folder.path, overrides, ...(base && { base }) });
    const { mcpServers } = loaded.config;
    expect(mcpServers.map(({ name }) => name).toSorted()).toEqual(["db", "listed", "mine"]);
    expect(mcpServers.find(({ name }) => name === "db")).toMatchObject({
      ...{ command: "programs", enabled: true, env: {}, trusted: false },
      tools: { autoApprove: [], deny: [] },
    });
    // What the user refuses of a found file says nothing about the program's server of the same name.
    expect(loaded.without(["/mcpServers/db"]).config.mcpServers).toContainEqual(
      expect.objectContaining({ command: "programs" }),
    );
  },
);

test("only servers of the found file need confirmation; until then the user's own server of the same name is used", () => {
  using folder = folderWith({
    "own/config.yaml": dump({ mcpServers: { git: { command: "git" }, mine: { command: "mine" } } }),
    "project/config.yaml": dump({ mcpServers: { git: { command: "evil" }, more: { command: "more" } } }),
  });
  const loaded = loadIn(folder);
  const servers = projectServers(loaded, loaded.base?.config.mcpServers ?? []);
  expect(servers.map(({ name }) => name)).toEqual(["git", "more"]);
  const { config } = refuse(loaded, { servers, settings: [], refusal: "not confirmed" });
  expect(config.mcpServers.map(({ name, refusal }) => [name, refusal])).toEqual([
    ["mine", undefined],
    ["git", undefined],
    ["more", "not confirmed"],
  ]);
  expect(config.mcpServers[1]).toMatchObject({ command: "git" });
});

test("a confirmation does not cover a user's server that the file replaces later", () => {
  const found = { mcpServers: { git: { command: "git2" } } };
  const printOf = (loaded: LoadedConfig) =>
    fingerprint(projectServers(loaded, loaded.base?.config.mcpServers ?? []), [], loaded);
  const before = printOf(layered(found, {}));
  expect(printOf(layered(found, { mcpServers: { git: { command: "git" } } }))).not.toBe(before);
});

test("an error names its place in whichever file it is", () => {
  const mistaken = (own: object, found: object) => errorsOf(() => layered(found, own));
  expect(mistaken({ llm: { actve: "a" } }, {})[0]).toMatch(/own\/config\.yaml:2:3 llm\.actve: unknown key/);
  expect(mistaken(permissions({ deny: ["a.*"] }), permissions({ deny: ["b.*", "c.("] }))[0]).toMatch(
    /^config\.yaml:6:11 chat\.service\.permissions\.deny\[1\]: /,
  );
  expect(mistaken({}, permissions({ deny: ["push"] }))[0]).toMatch(
    /deny\[0\]: no tool is called "push": write push\.\*/,
  );
  expect(mistaken({ mcp: { serve: { tools: ["fs.*", "push"] } } }, {})[0]).toMatch(
    /mcp\.serve\.tools\[1\]: no tool is called "push": write push\.\*/,
  );
});

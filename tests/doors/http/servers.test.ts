import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type Folder, folderWith } from "../../config/folder.js";
import { fixtureServer } from "../../support/app.js";
import { serveFiles } from "../../support/configured-host.js";

let folder: Folder;
let config: string;
const environment = { ...process.env };
const settings = "# mine\nchat:\n  storage: { driver: memory } # nothing is kept\nllm: { active: demo }\n";
const start = process.cwd();
const fixture = fixtureServer();

beforeEach(() => {
  folder = folderWith({});
  config = write("config.yaml", settings);
  process.chdir(folder.path);
  process.env.HOME = folder.path;
  process.env.XDG_CONFIG_HOME = join(folder.path, "home");
  process.env.XDG_STATE_HOME = join(folder.path, "state");
  process.env.XDG_CACHE_HOME = join(folder.path, "cache");
});

afterEach(() => {
  process.chdir(start);
  process.env = { ...environment };
  folder[Symbol.dispose]();
});

function write(name: string, text: string): string {
  const path = join(folder.path, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Sends a request and returns the status and the body. */
async function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  return { status: response.status, body: JSON.parse((await response.text()) || "null") };
}

const entryIn = async (url: string, name: string) =>
  (await send("GET", `${url}/api/servers`)).body.servers.find((server: { name: string }) => server.name === name);

describe("a server of the configuration file", () => {
  test("is added, shown, edited, switched and taken out over HTTP, and the host follows", async () => {
    await using host = await serveFiles({ config });
    const servers = `${host.url}/api/servers`;
    const entry = { ...fixture, env: { API_KEY: "s3cr3t-value" } };
    const added = await send("POST", servers, { name: "s", entry });
    expect(added).toMatchObject({ status: 201, body: { server: { name: "s", source: "config.yaml", enabled: true } } });
    await host.app.ready();
    expect(host.app.hub.tools().some(({ server }) => server === "s")).toBe(true);
    expect(readFileSync(config, "utf8")).toMatch(/^# mine\nchat:\n {2}storage: .* # nothing is kept\n/);
    expect(readFileSync(config, "utf8")).toContain("API_KEY: s3cr3t-value");

    const shown = await entryIn(host.url, "s");
    expect(shown).toMatchObject({ editable: true, can_log_out: false, entry: { env: { API_KEY: "***" } } });
    expect(shown).toMatchObject({ source: "config.yaml", enabled: true, state: "ready" });

    const edited = { ...shown.entry, tools: { deny: ["echo"] } };
    expect(await send("PUT", `${servers}/s`, { entry: edited })).toMatchObject({
      status: 200,
      body: { notices: [expect.stringContaining("holds a secret that others can read")] },
    });
    expect(host.app.config.mcpServers[0]).toMatchObject({
      env: { API_KEY: "s3cr3t-value" },
      tools: { deny: ["echo"] },
    });

    expect((await send("PATCH", `${servers}/s`, { enabled: false })).body.server).toMatchObject({ enabled: false });
    expect(host.app.hub.servers()).toMatchObject([{ name: "s", state: "disabled" }, { name: "demo" }]);
    expect((await send("PATCH", `${servers}/s`, { enabled: true })).body.server).toMatchObject({ enabled: true });

    expect((await send("DELETE", `${servers}/s`)).status).toBe(200);
    expect(host.app.config.mcpServers).toEqual([]);
    expect(readFileSync(config, "utf8")).not.toContain("s3cr3t-value");
  });

  test("is refused with the reason when it is wrong, and nothing is written", async () => {
    write("config.yaml", `${readFileSync(config, "utf8")}mcpServers: { s: { command: x, enabled: false } }\n`);
    const before = readFileSync(config, "utf8");
    await using host = await serveFiles({ config });
    const servers = `${host.url}/api/servers`;
    const refusals: [string, string, unknown, number, string][] = [
      ["POST", servers, { name: "s", entry: fixture }, 409, 'has a server "s" already'],
      ["POST", servers, { name: "t", entry: { comand: "x" } }, 400, "did you mean"],
      [
        "POST",
        servers,
        { name: "t", entry: { command: "x", env: { K: "${UNSET_HERE}" } } },
        400,
        "UNSET_HERE is not set",
      ],
      ["POST", servers, { name: "t", entry: { command: "x", env: { K: "***" } } }, 400, "stands for a secret"],
      ["POST", servers, { name: "host", entry: fixture }, 400, "the host's own tools"],
      ["POST", servers, { name: "__proto__", entry: fixture }, 400, "name must match"],
      ["PUT", `${servers}/sx`, { entry: fixture }, 404, "did you mean"],
      ["PUT", `${servers}/demo`, { entry: fixture }, 404, "has no server"],
      ["DELETE", `${servers}/x`, undefined, 404, "has no server"],
      ["POST", `${servers}/s/logout`, undefined, 400, "runs on this machine"],
    ];
    for (const [method, url, body, status, reason] of refusals) {
      const answer = await send(method, url, body);
      expect([method, url, answer.status, answer.body.error.message]).toEqual([
        ...[method, url, status],
        expect.stringContaining(reason),
      ]);
    }
    expect(readFileSync(config, "utf8")).toBe(before);
  });

  test("is not changed for callers of other machines", async () => {
    await using host = await serveFiles({ config });
    const servers = `${host.url}/api/servers`;
    const away = { "x-forwarded-for": "192.0.2.1" };
    const calls: [string, string, unknown][] = [
      ["POST", servers, { name: "s", entry: fixture }],
      ["PUT", `${servers}/s`, { entry: fixture }],
      ["PATCH", `${servers}/s`, { enabled: true }],
      ["DELETE", `${servers}/s`, undefined],
      ["POST", `${servers}/import`, { names: [{ program: "cursor", name: "s" }] }],
    ];
    for (const [method, url, body] of calls)
      expect(await send(method, url, body, away)).toMatchObject({
        status: 403,
        body: { error: { code: "not_local" } },
      });
  });

  test("is changed in the user's own file if it is there, although a file of the working directory counts too", async () => {
    const own = write(
      "home/mcp-platform/config.yaml",
      `${settings}mcpServers:\n  mine:\n    command: x\n    enabled: false\n`,
    );
    write("config.yaml", "chat: { service: { max_tool_hops: 9 } }\n");
    await using host = await serveFiles({});
    expect(await entryIn(host.url, "mine")).toMatchObject({ source: "home/mcp-platform/config.yaml", editable: true });
    await send("PUT", `${host.url}/api/servers/mine`, { entry: { command: "other", enabled: false } });
    expect(readFileSync(own, "utf8")).toContain("command: other");
    expect(readFileSync(config, "utf8")).not.toContain("mcpServers");
  });

  test("is shown with its file and is not changed, if another file defines it", async () => {
    write("config.yaml", `${readFileSync(config, "utf8")}mcp: { config_file: others.json }\n`);
    write("others.json", '{ "mcpServers": { "o": { "command": "x", "disabled": true } } }');
    await using host = await serveFiles({ config });
    expect(await entryIn(host.url, "o")).toMatchObject({ source: "others.json", editable: false, entry: null });
    const answer = await send("DELETE", `${host.url}/api/servers/o`);
    expect(answer).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining("others.json") } } });
  });
});

describe("a configuration file that was found in the working directory", () => {
  beforeEach(() => {
    write("home/mcp-platform/config.yaml", settings);
    write("config.yaml", "# of the project\n");
  });

  test("needs no new confirmation after a change over HTTP", async () => {
    await using host = await serveFiles({});
    const added = await send("POST", `${host.url}/api/servers`, { name: "s", entry: fixture });
    expect(added).toMatchObject({ status: 201, body: { server: { name: "s" }, notices: [] } });
    await host.app.ready();
    expect(host.app.hub.servers()[0]).toMatchObject({ name: "s", state: "ready" });
    await using next = await serveFiles({});
    expect(next.app.config.mcpServers).toMatchObject([{ name: "s", enabled: true }]);
    expect(next.app.config.mcpServers[0]?.refusal).toBeUndefined();
  });

  test("stays unconfirmed if it has something else that the user has not confirmed", async () => {
    await using host = await serveFiles({});
    write("config.yaml", `${readFileSync(config, "utf8")}mcpServers:\n  other: { command: evil }\n`);
    const added = await send("POST", `${host.url}/api/servers`, { name: "s", entry: fixture });
    expect(added.body.notices).toEqual([expect.stringContaining("not started until you confirm them: other, s")]);
    expect(host.app.hub.servers()).toMatchObject([{ state: "disabled" }, { state: "disabled" }, { name: "demo" }]);
  });
});

test("a pasted text is read over HTTP", async () => {
  await using host = await serveFiles({ config });
  const read = (text: string) => send("POST", `${host.url}/api/servers/read`, { text });
  expect(await read("KEY=v npx -y notes-mcp")).toEqual({
    status: 200,
    body: {
      servers: [{ name: "notes", entry: { command: "npx", args: ["-y", "notes-mcp"], env: { KEY: "v" } }, notes: [] }],
    },
  });
  expect(await read("a | b")).toMatchObject({ status: 400, body: { error: { code: "usage" } } });
});

test("the servers of other programs are found without their secrets, and the chosen ones are added", async () => {
  write(
    ".cursor/mcp.json",
    JSON.stringify({ mcpServers: { mine: { ...fixture, env: { KEY: "s3cr3t-value" } }, other: fixture } }),
  );
  write("servers_config.json", "{");
  await using host = await serveFiles({ config });
  const { body } = await send("GET", `${host.url}/api/servers/import`);
  expect(body.found).toMatchObject([
    { program: "cursor", name: "mine", taken: false, of_folder: true, entry: { env: { KEY: "***" } } },
    { program: "cursor", name: "other" },
  ]);
  expect(body.problems).toMatchObject([{ message: expect.stringContaining("not valid JSON") }]);
  const taken = await send("POST", `${host.url}/api/servers/import`, { names: [{ program: "cursor", name: "other" }] });
  expect(taken.body.servers).toMatchObject([{ name: "other", outcome: "added" }]);
  await host.app.ready();
  expect(host.app.hub.servers()[0]).toMatchObject({ name: "other", state: "ready" });
});

import "../support/app.js"; // modules that a check loads on demand
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import type { ConfiguredServer } from "../../src/core/config.js";
import { type CheckParts, checkServer } from "../../src/doctor/server-check.js";
import { freePort, httpServer } from "../support/mcp-http.js";
import { fixture, isRunning, nodeServer, recording, remoteServer, until } from "../support/mcp-hub.js";
import { oauthServer } from "../support/oauth-server.js";

const never = new AbortController().signal;

function check(config: ConfiguredServer, parts: Partial<CheckParts> = {}) {
  return checkServer(config, { toolBudgetTokens: 10_000, clear: (text) => text, signal: never, ...parts });
}

/** Returns each finding as `status check: text`. */
async function lines(config: ConfiguredServer, parts?: Partial<CheckParts>): Promise<string[]> {
  const { findings } = await check(config, parts);
  return findings.map(({ check: what, status, text }) => `${status} ${what}: ${text}`);
}

test("a working server is reported with its program, protocol, tokens of its tools and response time", async () => {
  using file = recording();
  const { findings, timings, era, tools } = await check(fixture("fs", { record: file.path }));
  expect(findings.map(({ check: what, status }) => [what, status])).toEqual([
    ["command", "ok"],
    ["initialize", "ok"],
    ["tools", "ok"],
    ["ping", "ok"],
  ]);
  expect(era).toBe("legacy");
  expect(tools).toHaveLength(16);
  expect(tools.every(({ tokens, isOffered }) => tokens > 10 && isOffered)).toBe(true);
  expect(Object.values(timings).every((ms) => ms >= 0)).toBe(true);
  const pid = Number(file.lines()[0]?.split(" ")[1]);
  await until(() => !isRunning(pid)); // no process is left
});

test("a server of 2026-07-28 works and is reported with that version", async () => {
  expect((await check(nodeServer("m", [resolve("tests/support/mcp-modern.mjs")]))).era).toBe("modern");
});

test("a program that does not exist is reported with what to install", async () => {
  const { findings } = await check(nodeServer("x", [], { command: "uvx", env: { PATH: "/nowhere" } }));
  expect(findings).toEqual([
    {
      check: "command",
      status: "fail",
      text: "command not found: uvx",
      fix: "install uv, which brings uvx (https://docs.astral.sh/uv/), or write its whole path into mcpServers.x.command",
    },
  ]);
  const folder = nodeServer("x", [], { cwd: "/nowhere/at/all" });
  expect(await lines(folder)).toEqual(["fail folder: the folder /nowhere/at/all does not exist"]);
});

test("a program that ends is reported with its exit code and its last words, without secrets or escapes", async () => {
  const config = fixture(
    "x",
    { exitAtStart: { code: 3, stderr: "\u001b[31mno database\u001b[0m for key-0123456789 and other-0123456789\n" } },
    { env: { API_KEY: "key-0123456789" } },
  );
  const result = await check(config, { clear: (text) => text.replaceAll("other-0123456789", "[redacted]") });
  expect(result.findings.at(-1)).toEqual({
    check: "start",
    status: "fail",
    text: expect.stringMatching(/node: the server exited with code 3$/),
    fix: "read its stderr, and check mcpServers.x.args and env",
  });
  expect(new Set(result.stderr)).toEqual(new Set(["no database for [redacted] and [redacted]"]));
});

test("a server that sends nothing fails, and so does a program that does not speak MCP", async () => {
  const silent = fixture("x", { silent: true }, { startupTimeoutMs: 300, protocol: "legacy" });
  const [, finding] = (await check(silent)).findings;
  expect(finding).toMatchObject({
    check: "initialize",
    status: "fail",
    fix: expect.stringContaining("startup_timeout"),
  });
  expect(finding?.text).toContain("not ready within 300 ms");
});

test("text on stdout that is not MCP is reported", async () => {
  expect(await lines(fixture("x", { noise: true }))).toContainEqual(
    expect.stringMatching(/^warn stdout: not a JSON line on stdout: /),
  );
});

test("unset variables are reported before anything is started", async () => {
  using file = recording();
  expect(
    await lines(fixture("x", { record: file.path }), { unset: ["env.K: environment variable K is not set"] }),
  ).toEqual(["fail variables: env.K: environment variable K is not set"]);
  expect(file.lines()).toEqual([]);
});

test("a disabled server is tried anyway, and a server that is not confirmed is not", async () => {
  expect((await lines(fixture("x", {}, { enabled: false })))[0]).toBe(
    "warn enabled: it is disabled, so no host starts it",
  );
  const refused = { ...fixture("x"), refusal: "nobody has confirmed it" };
  expect(await lines(refused)).toEqual(["fail confirmed: nobody has confirmed it"]);
});

test("filters that match nothing, names that do not fit and tools without descriptions are reported", async () => {
  const longName = "n".repeat(60);
  const config = fixture(
    "server",
    {
      pages: [
        [
          { name: longName, description: "", inputSchema: { type: "object" } },
          { name: "echo", description: "x", inputSchema: { type: "object" } },
          { name: "admin.drop", description: "x", inputSchema: { type: "object" } },
        ],
      ],
    },
    { tools: { allow: ["ecko"], deny: ["admin_drop", "admin_dorp"], autoApprove: ["*"], timeoutsMs: {} } },
  );
  const all = await lines(config, { toolBudgetTokens: 0 });
  expect(all).toContain("ok tools: 0 tools, about 0 tokens in each request (3 more are filtered)");
  expect(all).toContain("warn filters: tools.allow: no tool is called ecko (did you mean echo?)");
  expect(all.filter((line) => line.includes("tools.deny"))).toEqual([
    "warn filters: tools.deny: no tool is called admin_dorp (did you mean admin.drop?)",
  ]);
  expect(all).toContain(`warn names: the model sees other names for ${longName}, admin.drop`);
  expect(all).toContain(`warn descriptions: no description of ${longName}: the model has to guess what they do`);
  expect((await lines(fixture("server"), { toolBudgetTokens: 5 }))[2]).toMatch(/^warn tools: 16 tools/);
});

test("a secret part of a server's address is not shown", async () => {
  for (const secret of ["3f2b8c1e-9d4a-4b7e-8f11-0a2b3c4d5e6f", "urltok3nXYZ99887766"]) {
    const url = `http://127.0.0.1:${await freePort()}/api/${secret}/mcp`;
    const shown = await lines(remoteServer("web", url, "http"));
    expect(shown[0]).toMatch(/^ok address: http:\/\/127\.0\.0\.1:\d+\/api\/\*\*\*\/mcp \(http\)$/);
    expect(shown.join("\n")).not.toContain(secret);
  }
});

test("a remote server is reported as working, unreachable, waiting for a login, or not an MCP server", async () => {
  await using server = await httpServer();
  expect((await lines(remoteServer("web", server.url, "auto"))).map((line) => line.split(":")[0])).toEqual([
    "ok address",
    "ok initialize",
    "ok tools",
    "warn descriptions",
    "ok ping",
  ]);
  await using page = await httpServer({ status: 500, body: "<html>secret page</html>" });
  expect((await lines(remoteServer("web", page.url, "http"))).at(-1)).toMatch(/^fail initialize: http/);
  await using login = await oauthServer();
  const { findings } = await check(remoteServer("web", login.url, "http"));
  expect(findings.at(-1)).toMatchObject({
    check: "login",
    status: "fail",
    fix: expect.stringContaining("servers login web"),
  });
});

test("the check ends when the user interrupts it", async () => {
  using file = recording();
  const enough = new AbortController();
  const going = check(fixture("x", { record: file.path, silent: true }), { signal: enough.signal });
  await until(() => file.lines().length > 0);
  enough.abort(new Error("enough"));
  await expect(going).rejects.toThrow("enough");
  const pid = Number(file.lines()[0]?.split(" ")[1]);
  await until(() => !isRunning(pid));
});

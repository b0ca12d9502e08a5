import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { RequestError } from "../../src/core/errors.js";
import { textOf } from "../../src/core/messages.js";
import { fixture, recording, startHub, temporaryFolder, until } from "../support/mcp-hub.js";

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });
const onlyTools = { declares: { tools: {} } };

describe("starting", () => {
  test("eight servers that take a second each are ready together", async () => {
    const startedAt = performance.now();
    const names = Array.from({ length: 8 }, (_, index) => `s${index}`);
    const pages = [[tool("one"), tool("two")]];
    await using running = startHub(...names.map((name) => fixture(name, { ...onlyTools, startMs: 1000, pages })));
    await running.hub.settled();
    expect(performance.now() - startedAt).toBeLessThan(8000);
    expect(running.hub.servers().map(({ state }) => state)).toEqual(names.map(() => "ready"));
    expect(running.hub.tools().map(({ name }) => name)).toEqual(
      names.flatMap((name) => [`${name}__one`, `${name}__two`]),
    );
  });

  test("a server that never answers is waited for no longer than its grace, and times out later", async () => {
    await using running = startHub(
      fixture("mute", { silent: true, greeting: "waiting for a key" }, { startupGraceMs: 100, startupTimeoutMs: 1000 }),
      fixture("good", { ...onlyTools, pages: [[tool("one")]] }),
    );
    await running.hub.settled();
    expect(running.hub.servers()[0]).toMatchObject({ name: "mute", state: "starting" });
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({
      state: "failed",
      reason:
        "not ready within 1 s; it said: waiting for a key (raise mcpServers.mute.startup_timeout if the server is only slow)",
    });
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["good__one"]);
  });

  test("a host below a long chain of hosts starts no server, and says why", async () => {
    process.env.MCP_HOST_DEPTH = "4";
    try {
      await using running = startHub(fixture("self", onlyTools));
      await running.hub.ready();
      const [server] = running.hub.servers();
      expect(server).toMatchObject({
        state: "failed",
        reason: expect.stringContaining("hosts have started each other"),
      });
    } finally {
      delete process.env.MCP_HOST_DEPTH;
    }
  });

  test("a server learns how many hosts are above it", async () => {
    await using running = startHub(fixture("s"));
    await running.hub.ready();
    const { content } = await running.call("s__env", {});
    expect(JSON.parse(textOf(content))).toMatchObject({ MCP_HOST_DEPTH: "1" });
  });

  test("once a turn has begun, new tools come last, and returning tools keep their place", async () => {
    using folder = temporaryFolder();
    const gate = join(folder.path, "gate");
    const pages = [["crash", "grow"].map((name) => tool(name))];
    await using running = startHub(
      fixture("late", { ...onlyTools, startsWith: gate, pages: [[tool("one")]] }, { startupGraceMs: 1 }),
      fixture("a", { ...onlyTools, pages }),
      fixture("z", { ...onlyTools, pages }),
    );
    const { hub } = running;
    const names = () => hub.tools().map(({ name }) => name);
    const first = ["a__crash", "a__grow", "z__crash", "z__grow"];
    await hub.ready(["a", "z"]);
    await hub.offered();
    expect(names()).toEqual(first);
    writeFileSync(gate, "");
    await hub.ready();
    expect(names()).toEqual([...first, "late__one"]);
    await running.call("a__grow");
    await until(() => names().length === 6);
    expect(names()).toEqual([...first, "late__one", "a__grown2"]);
    await running.call("a__crash");
    await until(() => !names().includes("a__grown2") && names().includes("a__crash"));
    expect(names()).toEqual([...first, "late__one"]);
  });

  test("a server that exceeds its grace joins when it is ready", async () => {
    await using running = startHub(fixture("late", { ...onlyTools, startMs: 400 }, { startupGraceMs: 50 }));
    await running.hub.settled();
    expect(running.hub.tools()).toEqual([]);
    await running.hub.ready();
    expect(running.hub.tools().length).toBeGreaterThan(0);
    expect(running.statuses).toMatchObject([
      { name: "late", state: "starting" },
      { name: "late", state: "ready", version: "0.1.0" },
    ]);
  });

  test("the wait ends with the signal", async () => {
    await using running = startHub(fixture("mute", { silent: true }));
    await expect(running.hub.settled(AbortSignal.timeout(50))).rejects.toThrow(/timeout/i);
  });

  test("a required server that is down fails the turn, and the message says which one and why", async () => {
    await using running = startHub(
      fixture("db", { exitAtStart: { code: 3, stderr: "no such database\n" } }, { required: true, startupGraceMs: 0 }),
    );
    const refused = await running.hub.settled().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RequestError);
    expect(refused).toMatchObject({ kind: "required_server_down", retryable: true });
    expect((refused as Error).message).toBe(
      'mcpServers.db is required, but the MCP server "db" has failed: the server exited with code 3; it said: no such database',
    );
  });

  test("a required server is waited for beyond its grace", async () => {
    await using running = startHub(fixture("db", { startMs: 400 }, { required: true, startupGraceMs: 0 }));
    await running.hub.settled();
    expect(running.hub.servers()[0]?.state).toBe("ready");
  });

  test("a disabled server is not started", async () => {
    await using running = startHub(fixture("off", {}, { enabled: false, required: true }));
    await running.hub.settled();
    expect(running.hub.servers()).toMatchObject([{ name: "off", state: "disabled", tools: 0 }]);
    expect(running.statuses).toMatchObject([{ name: "off", state: "disabled" }]);
  });

  test("an unknown command fails at once, with what to do, and is not tried again", async () => {
    await using running = startHub(fixture("gone", {}, { command: "no-such-mcp-server" }));
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({
      state: "failed",
      reason: "command not found: no-such-mcp-server (install it or fix mcpServers.gone.command)",
    });
  });

  test("an unknown folder is not taken for an unknown command", async () => {
    await using running = startHub(fixture("lost", {}, { cwd: "/no/such/folder" }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.reason).toBe(
      "the folder /no/such/folder does not exist (fix mcpServers.lost.cwd)",
    );
  });

  test("lines on stdout that are not MCP are reported and do no harm", async () => {
    await using running = startHub(fixture("noisy", { noise: true }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.state).toBe("ready");
    expect(running.log.map(({ message }) => message)).toContain(
      "noisy: not a JSON line on stdout: Welcome to my server!",
    );
  });

  test("a server that fails at first is tried again, and joins", async () => {
    using record = recording();
    await using running = startHub(fixture("slow", { startMs: 150, record: record.path }, { startupTimeoutMs: 100 }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.state).toBe("failed");
    await until(() => record.lines().filter((line) => line.startsWith("started")).length === 2);
  });
});

describe("the tool list", () => {
  test("leaves out tools for a server's own pages (MCP Apps)", async () => {
    const visible = (...visibility: string[]) => ({ _meta: { ui: { visibility } } });
    const pages = [
      [tool("both", visible("model", "app")), tool("page", visible("app")), tool("any", { _meta: { ui: 1 } })],
    ];
    await using running = startHub(fixture("s", { pages }));
    await running.hub.ready();
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["s__both", "s__any"]);
    expect(running.hub.servers()[0]?.tools).toBe(2);
    expect(await running.hub.prepare({ id: "1", name: "s__page", arguments: "{}" })).toHaveProperty("refused");
  });

  test("is in the order of the configuration, not of the starts, and has only allowed tools", async () => {
    const pages = [[tool("read"), tool("write"), tool("drop")]];
    const tools = { allow: [], deny: ["drop"], autoApprove: ["read"], timeoutsMs: {} };
    await using running = startHub(fixture("slow", { pages, startMs: 300 }, { tools }), fixture("fast", { pages }));
    await running.hub.ready();
    expect(running.hub.tools().map(({ name }) => name)).toEqual([
      "slow__read",
      "slow__write",
      "fast__read",
      "fast__write",
      "fast__drop",
    ]);
    expect(running.hub.servers()[0]?.tools).toBe(2);
    expect(await running.hub.prepare({ id: "1", name: "slow__read", arguments: "{}" })).toMatchObject({
      server: "slow",
      tool: "read",
      autoApproved: true,
      readOnly: false,
    });
    expect(await running.hub.prepare({ id: "1", name: "slow__drop", arguments: "{}" })).toHaveProperty("refused");
  });

  test("stays the same object until a tool changes, and follows list_changed", async () => {
    using record = recording();
    const listings = () => record.lines().filter((line) => line.startsWith("tools/list")).length;
    await using running = startHub(fixture("s", { record: record.path }));
    await running.hub.ready();
    const before = running.hub.tools();
    await until(() => listings() === 2); // the second listing, after the connection
    await running.call("s__echo");
    expect(running.hub.tools()).toBe(before);
    await running.call("s__grow");
    await until(() => running.hub.tools() !== before);
    expect(running.hub.tools().length).toBe(before.length + 1);
    expect(running.hub.tools().at(-1)?.name).toMatch(/^s__grown\d+$/);
    expect(listings()).toBe(3);
  });
});

import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { StdioServerConfig } from "../../src/core/config.js";
import { textOf } from "../../src/core/messages.js";
import { fixture, nodeServer, recording, startHub, until } from "../support/mcp-hub.js";
import { modernServer, ways } from "../support/modern-server.js";

const script = resolve("tests/support/mcp-modern.mjs");
const modern = (behaviour: object = {}, overrides: Partial<StdioServerConfig> = {}) =>
  nodeServer("m", [script, JSON.stringify(behaviour)], overrides);

const started = (lines: string[]) => lines.filter((line) => line.startsWith("started")).length;

describe("a server of 2026-07-28", () => {
  test("is recognised over stdio without being started twice", async () => {
    for (let tries = 1; ; tries++) {
      using record = recording();
      await using running = startHub(modern({ record: record.path }));
      await running.hub.ready();
      // A busy machine may fail to start the server within the two seconds that the host waits for its era, so the test tries again.
      if (record.lines().includes("initialize") && tries < 5) continue;
      expect(running.hub.servers()).toMatchObject([{ state: "ready", era: "modern", version: "3.0.0", tools: 9 }]);
      expect(textOf((await running.call("m__echo", { a: 1 })).content)).toBe('{"a":1}');
      expect(started(record.lines())).toBe(1);
      expect(record.lines()).not.toContain("initialize");
      return;
    }
  });

  test("is recognised at its second start if it takes long to start", async () => {
    using record = recording();
    await using running = startHub(modern({ record: record.path, startMs: 2300 }));
    await until(() => running.hub.servers()[0]?.state === "ready");
    expect(running.hub.servers()[0]?.era).toBe("modern");
  });

  test.each(ways)("asks the person within a call, over %s", async (way) => {
    await using server = await modernServer(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    const ask = async () => ({ action: "accept", content: { n: 7 } });
    expect(JSON.parse(textOf((await running.call("m__ask", {}, { ask })).content))).toEqual({
      inputResponses: { q: { action: "accept", content: { n: 7 } } },
      requestState: "opaque=1",
    });
  });

  test.each(ways)("announces changes of its tools, over %s", async (way) => {
    await using server = await modernServer(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    const count = running.hub.tools().length;
    // The stream of changes opens after the start, so the tool is called until a client listens.
    while (running.hub.tools().length === count) {
      await running.call("m__grow");
      await new Promise((done) => setTimeout(done, 50));
    }
    expect(running.hub.tools().some(({ tool }) => tool.startsWith("grown"))).toBe(true);
  });

  describe.each(ways)("whose resources are read, over %s", (way) => {
    const listened = async (behaviour: object, isEnough: (filters: object[], messages: string[]) => boolean) => {
      const more = [{ name: "listeners", inputSchema: { type: "object" } }];
      await using server = await modernServer(way, { more, ...behaviour });
      await using running = startHub(server.config);
      await running.hub.ready();
      await Promise.all(["test:a", "test:b"].map((uri) => running.hub.readResource(uri)));
      await running.hub.readResource("test:c");
      let filters: object[] = [];
      // The server does not announce that its streams are open, so the test asks it.
      const messages = () => running.log.map(({ message }) => message);
      while (!isEnough(filters, messages())) {
        await new Promise((done) => setTimeout(done, 20));
        const { content, isError } = await running.call("m__listeners");
        if (!isError) filters = JSON.parse(textOf(content));
      }
      return filters;
    };

    test("announces all changes on one stream", async () => {
      const isOne = ([first, ...others]: { resourceSubscriptions?: string[] }[]) =>
        first?.resourceSubscriptions?.length === 3 && others.length === 0;
      const filters = await listened({}, isOne);
      // Two resources are read at once, so their order is open.
      const resourceSubscriptions = expect.arrayContaining(["test:a", "test:b", "test:c"]);
      expect(filters).toEqual([{ toolsListChanged: true, resourceSubscriptions }]);
    });

    test("still announces its lists when it refuses to watch more resources", async () => {
      const isRefused = (open: object[], messages: string[]) =>
        open.length > 0 && messages.some((message) => message.includes("too many resources"));
      const filters = await listened({ maxWatched: 2 }, isRefused);
      expect(filters.at(0)).toMatchObject({ toolsListChanged: true });
    });
  });

  test("gets the arguments that it demands as headers; a tool that declares them wrongly is left out", async () => {
    await using server = await modernServer("http");
    await using running = startHub(server.config);
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({
      state: "degraded",
      reason: "left out: bad: x-mcp-header of size is on a number",
      era: "modern",
    });
    expect(textOf((await running.call("m__shard", { region: "eu" })).content)).toBe('"eu"');
    expect(textOf((await running.call("m__shard", { region: " ü" })).content)).toBe('"=?base64?IMO8?="');
    expect(textOf((await running.call("m__shard", {})).content)).toBe("null");
  });

  test("is refused if the user wants the older protocol", async () => {
    await using running = startHub(modern({}, { protocol: "legacy", startupTimeoutMs: 3000 }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.reason).toContain("unsupported version");
  });
});

describe("an older server", () => {
  test("is probed once for its protocol, not again after a restart", async () => {
    using record = recording();
    await using running = startHub(fixture("s", { record: record.path }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.era).toBe("legacy");
    await running.call("s__crash");
    await running.hub.settled();
    expect(record.lines().filter((line) => line === "server/discover")).toHaveLength(1);
  });

  test("is started again without the probe if the probe makes it exit", async () => {
    using record = recording();
    await using running = startHub(fixture("s", { record: record.path, diesOfProbe: true }));
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({ state: "ready", era: "legacy" });
    expect(started(record.lines())).toBe(2);
  });

  test("is recognised by its silence to the probe, and not probed again after a restart", async () => {
    using record = recording();
    await using running = startHub(fixture("s", { ignoresProbe: true, record: record.path }));
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({ state: "ready", era: "legacy" });
    await running.call("s__crash");
    await running.hub.settled();
    expect(started(record.lines())).toBe(2);
    expect(record.lines().filter((line) => line === "server/discover")).toHaveLength(1);
  });

  test("is refused if the user wants the newer protocol", async () => {
    await using running = startHub(fixture("s", {}, { protocol: "modern" }));
    await running.hub.ready();
    expect(running.hub.servers()[0]?.reason).toBe("the server does not speak MCP 2026-07-28");
  });
});

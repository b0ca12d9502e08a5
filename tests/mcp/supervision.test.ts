import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import type { ToolResult } from "../../src/core/ports.js";
import { fixture, manifestsIn, recording, startHub, startHubWith, temporaryFolder, until } from "../support/mcp-hub.js";

const started = (lines: string[]) => lines.filter((line) => line.startsWith("started")).length;
const pages = [[{ name: "echo", description: "says it again", inputSchema: { type: "object" } }]];

describe("health", () => {
  test("an idle server gets pings", async () => {
    using record = recording();
    await using running = startHub(fixture("s", { record: record.path }, { pingIntervalMs: 30 }));
    await running.hub.ready();
    await until(() => record.lines().filter((line) => line === "ping").length >= 2);
    expect(running.hub.servers()[0]?.latencyMs).toBeLessThan(10_000);
    expect(started(record.lines())).toBe(1);
  });

  test("a server that does not answer two pings is restarted", async () => {
    using record = recording();
    await using running = startHub(fixture("s", { record: record.path }, { pingIntervalMs: 150 }));
    await running.hub.ready();
    await running.call("s__freeze");
    await until(() => running.statuses.some(({ reason }) => reason?.includes("it no longer answers")));
    await running.hub.settled();
    expect(running.hub.servers()[0]?.state).toBe("ready");
    expect((await running.call("s__echo")).isError).toBe(false);
    expect(started(record.lines())).toBe(2);
  });

  test("a server with a running call gets no pings", async () => {
    await using running = startHub(fixture("s", { noPing: true }, { pingIntervalMs: 50 }));
    await running.hub.ready();
    expect(textOf((await running.call("s__drip", { times: 1, everyMs: 600 })).content)).toBe("dripped");
  });
});

describe("a lazy server", () => {
  test("starts like any other the first time, and later at its first use", async () => {
    using record = recording();
    using folder = temporaryFolder();
    const host = { manifests: manifestsIn(folder) };
    const lazy = fixture("s", { record: record.path, pages }, { lazy: true });
    {
      await using first = startHubWith(host, lazy);
      await first.hub.ready();
      expect(started(record.lines())).toBe(1);
    }
    await using second = startHubWith(host, lazy);
    await second.hub.ready();
    expect(second.hub.servers()).toMatchObject([
      { state: "ready", tools: 1, reason: "its tools are known; it starts at its first use" },
    ]);
    expect(second.hub.tools()).toMatchObject([{ name: "s__echo", description: "says it again" }]);
    expect(started(record.lines())).toBe(1);
    const results = await Promise.all([second.call("s__echo", { a: 1 }), second.call("s__echo", { a: 2 })]);
    expect(results.map(({ content }) => textOf(content))).toEqual(['{"a":1}', '{"a":2}']);
    expect(started(record.lines())).toBe(2);
  });

  test("stores its list where only its owner can read it", async () => {
    using folder = temporaryFolder();
    await using running = startHubWith({ manifests: manifestsIn(folder) }, fixture("s", { pages }, { lazy: true }));
    await running.hub.ready();
    const { folder: manifests, keyFile } = manifestsIn(folder);
    const files = [keyFile, ...readdirSync(manifests).map((name) => join(manifests, name))];
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(statSync(manifests).mode & 0o777).toBe(0o700);
  });

  test("fails the call with its reason if it cannot start", async () => {
    using folder = temporaryFolder();
    using record = recording();
    const host = { manifests: manifestsIn(folder) };
    const lazy = fixture("s", { pages, record: record.path, exitsAtSecondStart: true }, { lazy: true });
    {
      await using first = startHubWith(host, lazy);
      await first.hub.ready();
    }
    await using second = startHubWith(host, lazy);
    expect(textOf((await second.call("s__echo")).content)).toMatch(
      /^echo was not called: the MCP server "s" has failed: the server exited with code 4/,
    );
  });
});

describe("another configuration", () => {
  test("starts new servers, ends removed ones, and leaves unchanged ones alone", async () => {
    using record = recording();
    const same = fixture("same", { record: record.path, pages });
    await using running = startHub(same, fixture("gone", { pages }));
    await running.hub.ready();
    running.hub.apply([fixture("new", { pages }), same]);
    await running.hub.ready();
    expect(running.hub.servers().map(({ name, state }) => [name, state])).toEqual([
      ["new", "ready"],
      ["same", "ready"],
    ]);
    expect(running.hub.tools().map(({ name }) => name)).toEqual(["new__echo", "same__echo"]);
    expect(started(record.lines())).toBe(1);
  });

  test("does not touch a running call", async () => {
    await using running = startHub(fixture("s"));
    await running.hub.ready();
    let call: Promise<ToolResult> | undefined;
    await new Promise((begun) => {
      call = running.call("s__drip", { times: 2, everyMs: 200 }, { onProgress: begun });
    });
    running.hub.apply([]);
    expect(running.hub.tools()).toEqual([]);
    expect(textOf((await call)?.content ?? [])).toBe("dripped");
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { nodeServer, recording, startHub, temporaryFolder, until } from "../support/mcp-hub.js";
import { modernServer, ways } from "../support/modern-server.js";

describe("a server of 2026-07-28", () => {
  test("keeps its other tools when one is listed wrongly", async () => {
    await using server = await modernServer("stdio", { more: [{ name: "odd", description: null }] });
    await using running = startHub(server.config);
    await running.hub.ready();
    expect(running.hub.servers()[0]).toMatchObject({ tools: 9, reason: "left out: odd: inputSchema is missing" });
    expect(textOf((await running.call("m__echo", {})).content)).toBe("{}");
  });

  test("gets a call again if it now wants another header", async () => {
    using record = recording();
    await using server = await modernServer("http", { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    await running.call("m__move");
    expect(textOf((await running.call("m__shard", { region: "eu" })).content)).toBe('"eu"');
    expect(record.lines().filter((line) => line === "tools/call shard")).toHaveLength(2);
  });

  test("is restarted if it now speaks another protocol, and the call is sent again", async () => {
    using record = recording();
    await using server = await modernServer("stdio", { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    await running.call("m__outgrow");
    expect(textOf((await running.call("m__echo", { a: 1 })).content)).toBe('{"a":1}');
    expect(record.lines().filter((line) => line.startsWith("started"))).toHaveLength(2);
  });

  test("is restarted if it speaks another protocol while it runs a call as a task, and the call is not sent again", async () => {
    using record = recording();
    await using server = await modernServer("stdio", { record: record.path });
    await using running = startHub(server.config);
    await running.hub.ready();
    const result = await running.call("m__task", { plan: [{ status: "outgrown" }] });
    expect(textOf(result.content)).toContain("task did not answer and its outcome is unknown");
    await until(() => record.lines().filter((line) => line.startsWith("started")).length === 2);
    expect(record.lines().filter((line) => line === "tools/call task")).toHaveLength(1);
  });

  test("fails with the protocol that it speaks if it cannot be restarted", async () => {
    await using server = await modernServer("http");
    await using running = startHub(server.config);
    await running.hub.ready();
    await running.call("m__outgrow");
    expect(textOf((await running.call("m__echo")).content)).toBe(
      'echo was not called: the MCP server "m" has failed: the server speaks MCP 2027-01-01 only',
    );
  });

  test("gets a request again that it broke off, if the request changes nothing", async () => {
    await using server = await modernServer("http");
    await using running = startHub(server.config);
    await running.hub.ready();
    expect(await running.hub.readResource("test:cut")).toEqual([
      { type: "text", text: expect.stringContaining("whole") },
    ]);
  });

  test.each(ways)("gets a new stream of changes after it has ended the first, over %s", async (way) => {
    await using server = await modernServer(way);
    await using running = startHub(server.config);
    await running.hub.ready();
    // The second listing, half a second after the start, may see the first change.
    for (const times of [1, 2]) {
      while (textOf((await running.call("m__hush")).content) !== "hushed") await new Promise(setImmediate);
      await until(() => running.hub.tools().filter(({ tool }) => tool.startsWith("grown")).length === times);
    }
  });

  test.each(ways)("gets no stream for a resource that no client watches any more, over %s", async (way) => {
    await using server = await modernServer(way, { more: [{ name: "listeners", inputSchema: { type: "object" } }] });
    await using running = startHub(server.config);
    await running.hub.ready();
    const watch = (uri: string) => running.hub.mcpResults.resourceAt(uri).watch(new AbortController().signal);
    const listening = async (wanted: object) => {
      const isWanted = async () =>
        textOf((await running.call("m__listeners")).content) ===
        JSON.stringify([{ toolsListChanged: true, ...wanted }]);
      while (!(await isWanted())) await new Promise(setImmediate);
    };
    const [unwatch] = await Promise.all([watch("test:a"), watch("test:b")]);
    await listening({ resourceSubscriptions: ["test:a", "test:b"] });
    unwatch();
    await listening({ resourceSubscriptions: ["test:b"] });
  });
});

test("a modern server that exits when it is asked for its protocol is started again only after a pause", async () => {
  using folder = temporaryFolder();
  const starts = join(folder.path, "starts");
  const script = `require("node:fs").appendFileSync(process.argv[1], "x"); process.exit(3)`;
  const config = nodeServer("m", ["-e", script, starts], { protocol: "modern", startupTimeoutMs: 3_000 });
  await using running = startHub(config);
  await until(() => running.statuses.length > 1);
  expect(running.statuses[1]).toMatchObject({ state: "failed", reason: "the server exited with code 3" });
  expect(readFileSync(starts, "utf8")).toBe("x");
});

test("a server that sends messages without end before it answers does not fill the memory", async () => {
  const message = JSON.stringify({
    jsonrpc: "2.0",
    method: "notifications/message",
    params: { data: "x".repeat(500) },
  });
  const script = `process.stdout.write((process.argv[1] + "\\n").repeat(10_000)); process.stdin.resume()`;
  const config = nodeServer("m", ["-e", script, message], { protocol: "modern", startupTimeoutMs: 5_000 });
  await using running = startHub(config);
  await until(() => running.statuses.length > 1);
  const reason = "the server sent too many messages before its first answer";
  expect(running.statuses[1]).toMatchObject({ state: "failed", reason });
});

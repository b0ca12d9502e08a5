import "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { createParser } from "eventsource-parser";
import { connect } from "../../../src/log/sqlite/connection.js";
import { fixtureServer, startApp } from "../../support/app.js";
import { answer, stall, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { recording, until } from "../../support/mcp-hub.js";
import { processorMs } from "../../support/processor-time.js";
import { openDoor, post } from "./door.js";

const all = { chat: true, tools: ["*"], resources: true, prompts: true, plainNames: true };
const ask = { chat: { service: { approval: "ask" }, storage: { driver: "memory" } } };

async function client(door: { url: string }, capabilities: object = {}) {
  const sdk = new Client({ name: "test", version: "1" }, { capabilities });
  const transport = new StreamableHTTPClientTransport(new URL(`${door.url}/mcp`));
  await sdk.connect(transport);
  return Object.assign(sdk, { session: transport.sessionId ?? "", leave: () => transport.terminateSession() });
}

const accept = "application/json, text/event-stream";
const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};
const send = (door: { url: string }, message: object, headers: Record<string, string> = {}) =>
  post(`${door.url}/mcp`, message, { "content-type": "application/json", accept, ...headers });

/** Opens a session without an SDK: the test sends messages and reads streams itself. */
async function session(door: { url: string }) {
  const begun = await send(door, initialize);
  await begun.text();
  const headers = { "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  return {
    headers,
    call: (name: string, args: object, more: Record<string, string> = {}) =>
      send(
        door,
        { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name, arguments: args } },
        { ...headers, ...more },
      ),
    listen: (more: Record<string, string> = {}) =>
      fetch(`${door.url}/mcp`, { headers: { accept: "text/event-stream", ...headers, ...more } }),
  };
}

/** Returns the events of a stream up to the first one for which `isLast` is true, or to the end. */
async function events(response: Response, isLast: (data: string) => boolean = () => false) {
  const seen: { id?: string; data: string }[] = [];
  const parser = createParser({ onEvent: ({ id, data }) => seen.push({ id, data }) });
  for await (const bytes of response.body ?? []) {
    parser.feed(Buffer.from(bytes).toString());
    if (seen.some(({ data }) => isLast(data))) break;
  }
  return seen;
}

describe("MCP over HTTP", () => {
  test("offers the same server as stdin: sessions with tools, questions, sampling, and an end", async () => {
    await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: {} }]), answer("done")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const one = await client(door, { elicitation: {}, sampling: {} });
    const asked: string[] = [];
    one.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return { action: "accept", content: { answer: "once" } };
    });
    one.setRequestHandler(CreateMessageRequestSchema, ({ params: { maxTokens } }) => {
      return { role: "assistant", model: "the client's", content: { type: "text", text: `at most ${maxTokens}` } };
    });
    const chatted = await one.callTool({ name: "chat", arguments: { prompt: "hi" } });
    expect(chatted).toMatchObject({ structuredContent: { text: "done" } });
    expect(asked).toEqual([expect.stringContaining("Run s.echo?")]);

    const messages = [{ role: "user", content: { type: "text", text: "who are you?" } }];
    const wish = { method: "sampling/createMessage", params: { messages, maxTokens: 50 } };
    const wished = await one.callTool({ name: "ask", arguments: wish });
    expect(JSON.stringify(wished.content)).toContain("at most 50");
    expect(llm.requests).toHaveLength(2);

    const other = await client(door);
    expect(other.session).not.toBe(one.session);
    await one.leave();
    await expect(one.listTools()).rejects.toThrow();
    expect((await other.listTools()).tools.map(({ name }) => name)).toContain("echo");
    await other.close();
  });

  test("answers a server's sampling request with this host's model if the client has none and its person allows it", async () => {
    await using llm = await startLlmServer([answer("the host's words")]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() }, config: ask });
    await using door = await openDoor(app, { mcp: { serve: all, given: { allow: ["s.ask"] } } });
    const one = await client(door, { elicitation: {} });
    one.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { answer: "yes" } }));
    const messages = [{ role: "user", content: { type: "text", text: "who are you?" } }];
    const wish = { method: "sampling/createMessage", params: { messages, maxTokens: 50 } };
    expect(JSON.stringify(await one.callTool({ name: "ask", arguments: wish }))).toContain("the host's words");
    await one.close();
  });

  test("keeps the log level of each session", async () => {
    await using llm = await startLlmServer([]);
    const tool = { name: "log", inputSchema: { type: "object" } };
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ pages: [[tool]] }) } });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const [quiet, curious] = await Promise.all([client(door), client(door)]);
    const heard: string[] = [];
    for (const [name, each] of Object.entries({ quiet, curious })) {
      each.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { level } }) => {
        heard.push(`${name} ${level}`);
      });
    }
    await quiet.setLoggingLevel("error");
    await curious.callTool({ name: "log", arguments: { level: "info", data: "x" } });
    await curious.callTool({ name: "log", arguments: { level: "error", data: "y" } });
    await until(() => heard.length === 3);
    expect(heard.sort()).toEqual(["curious error", "curious info", "quiet error"]);
    await Promise.all([quiet.close(), curious.close()]);
  });
});

describe("a stream that was cut off", () => {
  const waiting = async (
    body: (place: Awaited<ReturnType<typeof session>>, door: { url: string }, go: () => void) => Promise<void>,
  ) => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const path = join(mkdtempSync(join(tmpdir(), "mcp-platform-")), "go");
    const place = await session(door);
    const called = await place.call("wait", { path });
    const [first] = await events(called, (data) => data === "");
    expect(first?.id).toBeTruthy();
    await body({ ...place, listen: () => place.listen({ "last-event-id": first?.id ?? "" }) }, door, () =>
      writeFileSync(path, ""),
    );
  };

  test("continues where it stopped, with the result that comes then, and ends with it", () =>
    waiting(async ({ listen }, _door, go) => {
      const resumed = await listen();
      go();
      expect((await events(resumed)).map(({ data }) => data)).toEqual([expect.stringContaining('"waited"')]);
    }));

  test("is sent again from any of its events on, and ends; only to its own session", () =>
    waiting(async ({ listen }, door, go) => {
      go();
      const once = await events(await listen());
      const again = await events(await listen());
      expect(again).toEqual(once);
      expect(again.map(({ data }) => data)).toEqual([expect.stringContaining('"waited"')]);

      const other = await session(door);
      expect((await other.listen({ "last-event-id": "1" })).status).toBe(400);
    }));
});

describe("sessions of clients that have vanished", () => {
  test("are ended after a while; one whose stream is read is not", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app, { mcp: { serve: all, idleMs: 600 } });
    const [vanished, reading] = await Promise.all([session(door), session(door)]);
    const stream = await reading.listen();
    const begun = new AbortController();
    const call = fetch(`${door.url}/mcp`, {
      method: "POST",
      signal: begun.signal,
      headers: { "content-type": "application/json", accept, ...vanished.headers },
      body: JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "hang", arguments: {} } }),
    });
    await call;
    begun.abort();
    const end = performance.now() + 1_200;
    await until(() => performance.now() > end);
    expect((await vanished.listen()).status).toBe(404);
    expect(await (await reading.call("echo", {})).text()).toContain("result");
    await stream.body?.cancel();
  });

  test("make room for new ones; while all are in use, a new one is refused", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app, { mcp: { serve: all, mostSessions: 2 } });
    const [first, second] = [await session(door), await session(door)];
    const stream = await second.listen();
    const third = await session(door);
    expect((await first.listen()).status).toBe(404);
    const other = await third.listen();
    const refused = await send(door, initialize);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "60"]);
    await Promise.all([stream.body?.cancel(), other.body?.cancel()]);
  });
});

describe("the gate", () => {
  test("answers 503 to a call that is too large beside the running ones", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app, { maxBodyMb: 40, mcp: { serve: all } });
    const { headers } = await session(door);
    const call = (id: number, megabytes: number) => {
      const Meta = { padding: "x".repeat(megabytes * 1024 * 1024) };
      const params = { name: "hang", arguments: {}, _meta: Meta };
      return send(door, { jsonrpc: "2.0", id, method: "tools/call", params }, headers);
    };
    const running = await call(1, 39);
    const refused = await call(2, 26);
    expect([running.status, refused.status, refused.headers.get("retry-after")]).toEqual([200, 503, "5"]);
    expect((await call(3, 1)).status).toBe(200);
  });

  test("checks token, origin, connections and size for MCP too", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    const token = "correct-horse-battery";
    await using door = await openDoor(app, { token, maxBodyMb: 0.001 });
    expect((await send(door, initialize)).status).toBe(401);
    const authorization = `Bearer ${token}`;
    expect((await send(door, initialize, { authorization, origin: "https://evil.example" })).status).toBe(403);
    const big = { ...initialize, params: { ...initialize.params, padding: "x".repeat(2000) } };
    expect((await send(door, big, { authorization })).status).toBe(413);
    expect((await send(door, initialize, { authorization })).status).toBe(200);
  });

  test.each([
    ["nothing", "", 400],
    ["a word", "hello", 400],
    ["a request outside a session", { jsonrpc: "2.0", id: 1, method: "tools/list" }, 400],
    ["two beginnings at once", [initialize, initialize], 400],
  ])("refuses %s without beginning a session", async (_what, body, status) => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url });
    await using door = await openDoor(app);
    const refused = await send(door, body as object);
    expect([refused.status, refused.headers.get("mcp-session-id")]).toEqual([status, null]);
    expect(await refused.json()).toMatchObject({ jsonrpc: "2.0", error: { message: expect.any(String) } });
  });
});

describe("a request", () => {
  test("ends when it is cancelled, and so do its stream and the work of its server", async () => {
    await using llm = await startLlmServer([]);
    using record = recording();
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer({ record: record.path }) } });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const { call, headers } = await session(door);
    const called = await call("hang", {});
    await until(() => record.lines().some((line) => line.startsWith("hanging")));
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
    expect((await send(door, cancel, headers)).status).toBe(202);
    expect((await events(called)).at(-1)?.data).toContain("cancelled");
    await until(() => record.lines().some((line) => line.startsWith("cancelled")));
  });

  test("is not reported as cancelled if the log refuses the cancel of its turn", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
    const path = join(folder, "log.db");
    await using app = await startApp({ llm: llm.url, storage: { driver: "sqlite", path } });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const { call, headers } = await session(door);
    const called = await call("chat", { prompt: "go", request_id: "r" });
    await llm.received(1);
    const db = await connect(path);
    for (const table of ["mail", "entries"]) {
      db.exec(
        `CREATE TRIGGER full_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
      );
    }
    const cancel = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
    expect((await send(door, cancel, headers)).status).toBe(202);
    expect((await events(called)).at(-1)?.data).toContain("not cancelled: ");
    for (const table of ["mail", "entries"]) db.exec(`DROP TRIGGER full_${table}`);
    db.close();
  });

  test("with the id of an unanswered one is refused, and the first continues", async () => {
    await using llm = await startLlmServer([]);
    await using app = await startApp({ llm: llm.url, mcpServers: { s: fixtureServer() } });
    await using door = await openDoor(app, { mcp: { serve: all } });
    const { call } = await session(door);
    const path = join(mkdtempSync(join(tmpdir(), "mcp-platform-")), "go");
    const first = await call("wait", { path });
    expect((await call("echo", {})).status).toBe(400);
    writeFileSync(path, "");
    expect((await events(first)).at(-1)?.data).toContain("waited");
    expect((await call("echo", {})).status).toBe(200);
  });
});

test.each([
  [400_000, "a batch has at most 100 messages"],
  [4_000_000, "more than 1,000,000 values"],
])("a batch of %d is refused before it is read, so that others are served", async (count, why) => {
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app, { mcp: { serve: all } });
  const { headers } = await session(door);
  const begun = processorMs();
  const response = await send(door, Array(count).fill(1), headers);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { message: expect.stringContaining(why) }, id: null });
  expect(processorMs() - begun).toBeLessThan(4_000);
});

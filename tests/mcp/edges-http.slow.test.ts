/**
 * Edges 8 to 16 of the SDK 1.32.2, its Streamable HTTP and SSE, each over a real socket with a server that misbehaves. For the other edges
 * see edges-stdio, edges-auth and edges-protocol.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { textOf } from "../../src/core/messages.js";
import { faulty } from "../support/mcp-faulty.js";
import { httpServer } from "../support/mcp-http.js";
import { remoteServer, startHub, until } from "../support/mcp-hub.js";

const sse = { "content-type": "text/event-stream" };
const unknown = "t did not answer and its outcome is unknown: ";
const lost = `${unknown}the server ended the stream before it answered`;
const progress = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n';

test("edge 8: a session that is lost (404) is made anew, and the call sent again in it", async () => {
  await using server = await httpServer();
  await using running = startHub(remoteServer("r", server.url, "http"));
  await running.hub.ready();
  server.forget();
  expect(textOf((await running.call("r__echo", { a: 1 })).content)).toBe('{"a":1}');
  expect(server.seen.filter((line) => line.startsWith("POST initialize"))).toHaveLength(2);
  expect(server.seen.filter((line) => line.startsWith("POST server/discover"))).toHaveLength(1);
});

test.each([
  "Bad Request: No valid session ID provided",
  "Bad Request: Server not initialized",
  "No valid session. Send an initialize request first.",
])(
  "edge 8: a session that the server does not know any more, with status 400 and %s, is made anew",
  async (message) => {
    const error = { code: -32000, message };
    await using server = await httpServer({
      unknownSession: [400, JSON.stringify({ jsonrpc: "2.0", error, id: null })],
    });
    await using running = startHub(remoteServer("r", server.url, "http"));
    await running.hub.ready();
    server.forget();
    expect(textOf((await running.call("r__echo", { a: 1 })).content)).toBe('{"a":1}');
    expect(server.seen.filter((line) => line.startsWith("POST initialize"))).toHaveLength(2);
  },
);

test("edge 9: after a lost session there is a whole new initialize, and every request carries its session and version", async () => {
  await using server = await httpServer();
  await using running = startHub(remoteServer("r", server.url, "http"));
  await running.hub.ready();
  const before = server.seen.length;
  server.forget();
  await running.call("r__echo", { a: 1 });
  const asked = server.seen.slice(before).map((line, index) => ({ line, headers: server.headers[before + index] }));
  const start = asked.findIndex(({ line }) => line === "POST initialize -");
  expect(start).toBeGreaterThan(0);
  const later = asked.slice(start + 1).filter(({ line }) => line.endsWith(" s2"));
  expect(later.map(({ line }) => line)).toEqual(
    expect.arrayContaining(["POST notifications/initialized s2", "POST tools/list s2", "POST tools/call s2"]),
  );
  expect(later.map(({ headers }) => headers?.["mcp-protocol-version"])).toEqual(later.map(() => "2025-11-25"));
});

test("edge 10: a stream that ends without the answer fails the call at once", async () => {
  await using server = await faulty({ call: (response) => response.writeHead(200, sse).end(progress) });
  const startedAt = performance.now();
  expect(textOf((await server.call("f__t")).content)).toBe(lost);
  expect(performance.now() - startedAt).toBeLessThan(9000); // and not only at its timeout
});

test("edge 10: a stream that is cut in the middle of a line fails the call at once", async () => {
  await using server = await faulty({
    call(response) {
      response.writeHead(200, sse).write('data: {"jsonrpc":"2.0","id":');
      setImmediate(() => response.destroy());
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe(lost);
});

test("edge 10: a stream whose events have ids is taken up again where it ended", async () => {
  let id: number | undefined;
  await using server = await faulty({
    call(response, message) {
      id = message.id;
      response.writeHead(200, sse).end("id: e1\nretry: 20\ndata:\n\n");
    },
    get(response, _message, request) {
      if (request.headers["last-event-id"] !== "e1") return response.writeHead(405).end();
      const result = { content: [{ type: "text", text: "late" }] };
      return response.writeHead(200, sse).end(`id: e2\ndata: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe("late");
});

test("edge 10: a stream that carries its answer in many pieces is a plain answer", async () => {
  await using server = await faulty({
    call(response, { id }) {
      const words = `data: ${JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "üä" }] } })}\n\n`;
      response.writeHead(200, sse);
      for (const byte of Buffer.from(words)) response.write(Buffer.of(byte));
      response.end();
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe("üä");
});

test("edge 10: a stream whose rest the server does not have fails the call at once", async () => {
  await using server = await faulty({
    call: (response) => response.writeHead(200, sse).end("id: e1\nretry: 20\ndata:\n\n"),
  });
  expect(textOf((await server.call("f__t")).content)).toBe(lost);
});

test("edge 10: a stream whose rest the server refuses again and again fails its call alone", async () => {
  let wake = () => {};
  await using server = await faulty({
    call(response, { id, params }) {
      if ((params as { arguments?: { cut?: boolean } }).arguments?.cut) {
        return response.writeHead(200, sse).end("id: e1\nretry: 1\ndata:\n\n");
      }
      const result = { content: [{ type: "text", text: "done" }] };
      wake = () => response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
      return response.writeHead(200, sse).flushHeaders();
    },
    get: (response, _message, request) => response.writeHead(request.headers["last-event-id"] ? 404 : 405).end(),
  });
  const other = server.call("f__t");
  expect(textOf((await server.call("f__t", { cut: true })).content)).toBe(lost);
  wake();
  expect(textOf((await other).content)).toBe("done");
});

test("edge 10: JSON that does not answer the call fails it at once", async () => {
  await using server = await faulty({
    call(response) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not read"}}');
    },
  });
  const text = textOf((await server.call("f__t")).content);
  expect(text).toMatch(new RegExp(`^${unknown}.*JSON that does not answer the request`));
});

test("progress that comes in one piece with the answer is shown", async () => {
  const heard: number[] = [];
  await using server = await faulty({
    call(response, { id, params }) {
      const { progressToken } = params?._meta ?? {};
      const events = [
        { method: "notifications/progress", params: { progressToken, progress: 1 } },
        { method: "notifications/progress", params: { progressToken, progress: 2 } },
        { id, result: { content: [{ type: "text", text: "done" }] } },
      ];
      const lines = events.map((event) => `data: ${JSON.stringify({ jsonrpc: "2.0", ...event })}\n\n`);
      response.writeHead(200, sse).end(lines.join(""));
    },
  });
  const { content } = await server.call("f__t", {}, { onProgress: ({ progress: news }) => heard.push(news) });
  expect(textOf(content)).toBe("done");
  expect(heard).toEqual([1, 2]);
});

test("many calls at once cause no warning of Node", async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error) => warnings.push(message);
  process.on("warning", note);
  await using server = await httpServer();
  await using running = startHub(remoteServer("r", server.url, "http"));
  await running.hub.ready();
  const results = await Promise.all(Array.from({ length: 30 }, (_, n) => running.call("r__echo", { n })));
  expect(results.map(({ content }) => textOf(content))).toEqual(results.map((_, n) => `{"n":${n}}`));
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

test("a compressed answer is read", async () => {
  await using server = await faulty({
    call(response, { id }) {
      const result = { content: [{ type: "text", text: "tight" }] };
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync(JSON.stringify({ jsonrpc: "2.0", id, result })));
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe("tight");
});

test.each([
  ["", "application/json", '{"jsonrpc":"2.0","x":"'],
  [" on a stream", "text/event-stream", "id: e1\nretry: 1\n\ndata: "],
])("an answer%s that does not end is dropped at 64 MB, and the server stays in use", async (_, type, begin) => {
  const large = Buffer.alloc(8 * 1024 * 1024, "x");
  let isEndless = true;
  await using server = await faulty({
    call(response, { id }) {
      const result = { content: [{ type: "text", text: "short" }] };
      if (!isEndless)
        return response.writeHead(200, sse).end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
      const pour = () => {
        if (response.destroyed) return;
        if (response.write(large)) setImmediate(pour);
        else response.once("drain", pour);
      };
      response.writeHead(200, { "content-type": type }).write(begin);
      return pour();
    },
  });
  expect(textOf((await server.call("f__t")).content).startsWith(unknown)).toBe(true);
  expect(server.log.map(({ message }) => message).join()).toContain("a message of more than 64 MB, which was dropped");
  isEndless = false;
  expect(textOf((await server.call("f__t")).content)).toBe("short");
});

test("edge 11: a stream of notifications that cannot be opened at first is asked for again", async () => {
  let tries = 0;
  await using server = await faulty({
    get(response) {
      tries += 1;
      if (tries === 1) response.writeHead(500).end();
      else response.writeHead(200, sse).write(": here\n\n");
    },
  });
  await until(() => server.gets() === 2);
  expect(server.hub.servers()[0]?.state).toBe("ready");
});

test("edge 11: a stream of notifications that is accepted and cut is asked for ever more slowly", async () => {
  const times: number[] = [];
  await using server = await faulty({
    get(response) {
      times.push(performance.now());
      response.writeHead(200, sse).end("retry: 10\n\n");
    },
  });
  await until(() => server.gets() === 5);
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  expect(pauses[2]).toBeGreaterThan(450);
  expect(pauses[3]).toBeGreaterThan(950);
});

test("edge 11: a stream of notifications that cannot be opened again ends the connection, and a new one is made", async () => {
  let gets = 0;
  await using server = await faulty({
    call: (response, { id }) => {
      const result = { content: [{ type: "text", text: "done" }] };
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    },
    get(response) {
      gets += 1;
      if (gets === 1) response.writeHead(200, sse).end("retry: 1\n\n");
      else response.writeHead(gets <= 6 ? 404 : 405).end();
    },
  });
  await until(() => gets === 7 && server.hub.servers()[0]?.state === "ready");
  const log = server.log.map(({ message }) => message).join("\n");
  expect(log).toContain("its notifications have ended, and 5 attempts to open their stream again failed");
  expect(textOf((await server.call("f__t")).content)).toBe("done");
});

test("edge 12: an error on a stream whose events have ids is that call's error, and the rest is not asked for", async () => {
  await using server = await faulty({
    call(response, { id }) {
      const error = { code: -32602, message: "no such thing" };
      const event = `id: e${id}\nretry: 1\ndata: ${JSON.stringify({ jsonrpc: "2.0", id, error })}\n\n`;
      response.writeHead(200, sse).end(event);
    },
  });
  // Each call takes longer than 1 ms, after which the SDK would request the rest of the previous stream.
  for (let times = 0; times < 5; times++) {
    expect(textOf((await server.call("f__t")).content)).toBe("t failed: no such thing");
  }
  expect(server.gets()).toBe(1); // only the stream of notifications
});

test("edge 13: an answer that takes longer than an idle connection is kept arrives, on a connection that was used before", async () => {
  const sockets: Socket[] = [];
  await using server = await faulty({
    call(response, { id }, request) {
      sockets.push(request.socket);
      response.writeHead(200, { ...sse, "keep-alive": "timeout=4" }).write(": soon\n\n");
      const result = { content: [{ type: "text", text: "at last" }] };
      const answer = () => response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
      if (sockets.length === 2) setTimeout(answer, 3500);
      else answer();
    },
  });
  for (const _ of [1, 2]) expect(textOf((await server.call("f__t")).content)).toBe("at last");
  expect(sockets[1]).toBe(sockets[0]);
});

test("edge 14: an HTTP error for a call is that call's error, and the connection stays", async () => {
  let calls = 0;
  await using server = await faulty({
    call(response, { id }) {
      calls += 1;
      if (calls === 1) return response.writeHead(500).end("broken");
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(
        JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "fine" }] } }),
      );
    },
  });
  expect(textOf((await server.call("f__t")).content)).toContain("broken");
  expect(textOf((await server.call("f__t")).content)).toBe("fine");
});

test("edge 14: an answer that switches protocols fails its call at once", async () => {
  const upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
  await using server = await faulty({ call: (response) => response.socket?.write(upgrade) });
  expect(textOf((await server.call("f__t")).content)).toContain("the connection was closed instead of an answer");
});

test("edge 14: an HTTP refusal with a JSON-RPC error inside gives the server's message", async () => {
  await using server = await faulty({
    call(response, { id }) {
      const error = { code: -32602, message: "no such city" };
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, error }));
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe("t failed: no such city");
});

test("edge 14: a call that is only accepted (202) ends with its timeout", async () => {
  await using server = await faulty({ call: (response) => response.writeHead(202).end() }, { timeoutMs: 300 });
  expect(textOf((await server.call("f__t")).content)).toBe(`${unknown}no answer and no progress within 300 ms`);
});

describe("edge 14: an error status says whether the call may have been carried out, and the call is sent once", () => {
  async function callsAnswered(status: number, body: string, headers: Record<string, string> = {}) {
    let calls = 0;
    await using server = await faulty({
      call(response) {
        calls += 1;
        response.writeHead(status, headers).end(body);
      },
    });
    const text = textOf((await server.call("f__t")).content);
    expect(calls).toBe(1);
    return text;
  }

  test.each([500, 502, 504, 524])("%i: the outcome is unknown", async (status) => {
    for (const body of ["", "gateway"]) {
      const text = await callsAnswered(status, body);
      expect(text).toMatch(new RegExp(`^${unknown}http://127.0.0.1:\\d+/mcp: HTTP ${status}${body && `: ${body}`}$`));
    }
  });

  test("200 with a page: the outcome is unknown", async () => {
    const text = await callsAnswered(200, "<html>", { "content-type": "text/html" });
    expect(text).toMatch(new RegExp(`^${unknown}.*: HTTP 200 with content of the type text/html$`));
  });

  test.each([400, 401, 403, 405, 413, 429, 503])("%i: it has failed", async (status) => {
    const text = await callsAnswered(status, "later", { "retry-after": "0" });
    expect(text).toMatch(new RegExp(`^t failed: .*HTTP ${status}`));
  });

  test("no connection: it was not called", async () => {
    await using server = await faulty({});
    await server.stop();
    expect(textOf((await server.call("f__t")).content)).toMatch(/^t was not called: .*connection refused/);
  });
});

test("edge 14: a call that is redirected to another origin is not sent there", async () => {
  const visits: string[] = [];
  const other = createServer((request, response) => {
    visits.push(request.url ?? "");
    response.writeHead(200).end();
  });
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/steal`;
  await using server = await faulty({ call: (response) => response.writeHead(307, { location }).end() });
  expect((await server.call("f__t")).isError).toBe(true);
  expect(visits).toEqual([]);
  await new Promise((done) => other.close(done));
});

test("edge 14: a call that is redirected within its origin goes there, with its session", async () => {
  const visits: unknown[] = [];
  await using server = await faulty({
    call(response, { id }, request) {
      visits.push(`${request.url} ${request.headers["mcp-session-id"]}`);
      if (request.url === "/mcp") return response.writeHead(308, { location: "/moved" }).end();
      response.writeHead(200, { "content-type": "application/json" });
      const result = { content: [{ type: "text", text: "here" }] };
      return response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    },
  });
  expect(textOf((await server.call("f__t")).content)).toBe("here");
  expect(visits).toEqual(["/mcp s1", "/moved s1"]);
});

test("edge 15: closing ends the session on the server (DELETE)", async () => {
  await using server = await httpServer();
  const running = startHub({ ...remoteServer("r", server.url, "http"), headers: { Authorization: "Bearer token-1" } });
  await running.hub.ready();
  expect(textOf((await running.call("r__echo", { a: 1 })).content)).toBe('{"a":1}');
  await running.hub.close();
  expect(server.seen.at(-1)).toBe("DELETE - s1");
  expect(server.headers.every(({ authorization }) => authorization === "Bearer token-1")).toBe(true);
});

test("edge 16: an SSE server that cuts its stream gets a new connection with a new initialize", async () => {
  const streams: ServerResponse[] = [];
  let initialized = 0;
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      streams.push(response);
      return response.writeHead(200, sse).write(`event: endpoint\ndata: /messages?n=${streams.length}\n\n`);
    }
    let text = "";
    for await (const chunk of request) text += chunk;
    response.writeHead(202).end();
    const { id, method } = JSON.parse(text);
    if (id === undefined) return undefined;
    if (method === "initialize") initialized += 1;
    const serverInfo = { name: "old", version: "1" };
    const result =
      method === "initialize"
        ? { protocolVersion: "2024-11-05", capabilities: { tools: {} }, serverInfo }
        : { tools: [{ name: "t", inputSchema: { type: "object" } }] };
    return streams.at(-1)?.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`;
  const running = startHub(remoteServer("old", url, "sse"));
  await running.hub.ready();
  streams[0]?.destroy();
  await until(() => initialized === 2 && running.hub.servers()[0]?.state === "ready");
  expect(running.hub.tools().map(({ name }) => name)).toEqual(["old__t"]);
  await running.hub.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

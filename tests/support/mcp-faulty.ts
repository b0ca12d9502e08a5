import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { RemoteServerConfig } from "../../src/core/config.js";
import { remoteServer, startHub } from "./mcp-hub.js";

interface Message {
  id?: number;
  params?: { _meta?: { progressToken?: number } };
}

type Answer = (response: ServerResponse, message: Message, request: IncomingMessage) => unknown;

/** Starts a Streamable HTTP server of the older era. The test decides what `tools/call` and GET do. */
export async function faulty(
  { call, get }: { call?: Answer; get?: Answer },
  overrides: Partial<RemoteServerConfig> = {},
) {
  let gets = 0;
  const results: Record<string, unknown> = {
    initialize: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "f", version: "1" } },
    "tools/list": { tools: [{ name: "t", inputSchema: { type: "object" } }] },
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const message = text ? JSON.parse(text) : {};
    if (request.method === "GET") {
      gets += 1;
      return get ? get(response, message, request) : response.writeHead(405).end();
    }
    if (request.method === "DELETE" || message.id === undefined) return response.writeHead(202).end();
    if (message.method === "tools/call" && call) return call(response, message, request);
    const result = results[message.method];
    const answer = result ? { result } : { error: { code: -32601, message: "no such method" } };
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": "s1" });
    return response.end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
  });
  server.keepAliveTimeout = 60_000; // on a busy machine Node's 5 s may pass between two requests
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const running = startHub({ ...remoteServer("f", url, "http"), ...overrides });
  await running.hub.ready();
  return {
    ...running,
    gets: () => gets,
    /** Refuses new connections. Resolves once the host has closed all that it had, so that its next request needs a new one. */
    async stop() {
      await Promise.all([...sockets].map((socket) => once(socket.end(), "close")));
      await new Promise((done) => server.close(done));
    },
    async [Symbol.asyncDispose]() {
      await running.hub.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { messageOf } from "../core/errors.js";
import { replyTo } from "./model-rules.js";
import { readDemoRequest, writeChunks, writeCompletion, writeError } from "./model-wire.js";

const modelName = "demo";

/** Starts the demo model, which follows fixed rules. The model is served by an OpenAI-compatible server on a free loopback port. */
export async function startDemoModel(): Promise<{ baseUrl: string; close(): Promise<void> }> {
  const server = createServer((request, response) => void respond(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.replace(/\?.*$/, "");
  if (request.method === "GET" && path === "/v1/models") {
    const models = [{ id: modelName, object: "model", created: 0, owned_by: "mcp-platform" }];
    return send(response, 200, { object: "list", data: models });
  }
  if (request.method !== "POST" || path !== "/v1/chat/completions") {
    return send(response, 404, writeError(`there is no ${request.method} ${path}`, "unknown_url"));
  }
  try {
    await complete(await json(request), response);
  } catch (error) {
    send(response, 400, writeError(messageOf(error), null));
  }
}

async function complete(body: unknown, response: ServerResponse): Promise<void> {
  const chat = readDemoRequest(body);
  if (chat.model !== modelName) {
    const message = `there is no model "${chat.model}" here, only "${modelName}"; set a key or llm.active for another one`;
    return send(response, 404, writeError(message, "model_not_found"));
  }
  const reply = replyTo(chat.messages, chat.tools);
  if (!chat.stream) return send(response, 200, writeCompletion(chat, reply));
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (const chunk of writeChunks(chat, reply)) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end("data: [DONE]\n\n");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Serves this host as an MCP server over Streamable HTTP. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports */
import { randomUUID } from "node:crypto";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  isInitializeRequest,
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { tooManyValues } from "../../core/json.js";
import { alwaysAnswering } from "./always-answering.js";
import { type McpSession, type ReceivedBody, receivedMessages, refusal, replayed } from "./http-session.js";
import type { McpParts, TurnCancels } from "./mcp-parts.js";
import { createMcpServer } from "./server.js";
import { SessionEvents, StreamEvents } from "./stream-events.js";

export interface McpHttpOptions {
  keepAliveMs: number;
  maxBytes: number;
  /** Time after which a session without requests and open streams ends, in ms. Default: 30 minutes. */
  idleMs?: number;
  /** Maximum number of concurrent sessions. Default: 1,000. */
  mostSessions?: number;
}

const halfAnHourMs = 30 * 60_000;
/** Time that a client should wait before it reconnects a broken stream, in ms. */
const retryMs = 1_000;
/** Maximum number of messages in one batch, the same as in the SDK. Each message is checked several times, so a batch must not be long. */
const mostAtOnce = 100;
/** Maximum size of the events that are kept for reconnecting clients, in characters. All sessions share the limit. */
const keptChars = 32 * 1024 * 1024;

export class McpHttp {
  readonly #parts: McpParts;
  readonly #options: Required<McpHttpOptions>;
  readonly #events = new StreamEvents(keptChars);
  readonly #sessions = new Map<string, McpSession>();
  readonly #timer: NodeJS.Timeout;
  #beginning = 0;

  constructor(parts: McpParts, options: McpHttpOptions) {
    this.#parts = parts;
    this.#options = { idleMs: halfAnHourMs, mostSessions: 1_000, ...options };
    this.#timer = setInterval(() => this.#endIdle(), this.#options.idleMs / 4).unref();
  }

  /**
   * Answers an HTTP request. The body of `request` must be unread; `body` is what it contains.
   */
  async answer(request: Request, body: ReceivedBody): Promise<Response> {
    const { message } = body;
    if (Array.isArray(message) && message.length > mostAtOnce) {
      return refusal(400, -32600, `a batch has at most ${mostAtOnce} messages`);
    }
    if (request.method === "POST" && message === undefined) {
      return refusal(400, -32700, `the body is not valid JSON, is nested too deeply or has ${tooManyValues}`);
    }
    const id = request.headers.get("mcp-session-id");
    if (id === null) return this.#begin(request, message);
    const session = this.#sessions.get(id);
    if (!session) return refusal(404, -32001, "there is no such session, or it has ended: initialize a new one");
    session.usedAt = performance.now();
    // A request without the version header gets the version that the session has agreed on. Without this, it would count as a request of an
    // old client.
    if (SUPPORTED_PROTOCOL_VERSIONS.includes(request.headers.get("mcp-protocol-version") ?? session.protocolVersion)) {
      request.headers.set("mcp-protocol-version", session.protocolVersion);
    }
    const lastEventId = request.method === "GET" ? request.headers.get("last-event-id") : null;
    const response =
      (lastEventId && replayed(session, lastEventId)) || (await receivedMessages(session, request, body));
    return this.#watched(session, response, request.method === "GET");
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#sessions.values()].map(({ server }) => server.close()));
  }

  async #begin(request: Request, message: unknown): Promise<Response> {
    const { keepAliveMs, maxBytes, mostSessions } = this.#options;
    const protocolVersion = versionFor(message);
    const sessionIdGenerator = () => randomUUID();
    if (protocolVersion === undefined) {
      // The request does not begin a session, so the transport refuses it and states the reason.
      return new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator,
        maxRequestBodySize: maxBytes,
      }).handleRequest(request);
    }
    if (this.#sessions.size + this.#beginning >= mostSessions && !this.#endLongestUnused()) {
      return refusal(503, -32000, "this host has as many sessions as it accepts", { "retry-after": "60" });
    }
    this.#beginning++;
    try {
      const streams = { all: 0, listening: 0 };
      const cancels: TurnCancels = new Map();
      const server = await createMcpServer(this.#parts, () => streams.listening > 0, cancels);
      const events = new SessionEvents(this.#events);
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator,
        eventStore: events,
        retryInterval: retryMs,
        keepAliveMs,
        maxRequestBodySize: maxBytes,
        onsessioninitialized: (id) => void this.#sessions.set(id, session),
      });
      const usedAt = performance.now();
      const session: McpSession = { server, transport, events, cancels, protocolVersion, streams, usedAt };
      transport.onclose = () => {
        this.#sessions.delete(transport.sessionId ?? "");
        events.forget();
      };
      await server.connect(alwaysAnswering(transport));
      const response = await transport.handleRequest(request);
      if (transport.sessionId === undefined) await server.close();
      return this.#watched(session, response, false);
    } finally {
      this.#beginning--;
    }
  }

  #watched(session: McpSession, response: Response, isListener: boolean): Response {
    if (!response.body) return response;
    const { streams } = session;
    streams.all++;
    if (isListener) streams.listening++;
    const body = boundedBody(response.body, () => {
      streams.all--;
      if (isListener) streams.listening--;
      session.usedAt = performance.now();
    });
    return new Response(body, { status: response.status, headers: response.headers });
  }

  #endIdle(): void {
    const before = performance.now() - this.#options.idleMs;
    for (const session of this.#unused()) if (session.usedAt <= before) void session.server.close();
  }

  #endLongestUnused(): boolean {
    const [longest, ...others] = this.#unused();
    if (!longest) return false;
    void others.reduce((least, session) => (session.usedAt < least.usedAt ? session : least), longest).server.close();
    return true;
  }

  #unused(): McpSession[] {
    return [...this.#sessions.values()].filter(({ streams }) => streams.all === 0);
  }
}

/** Returns the protocol version for the session that this message begins. Undefined if the message does not begin a session. */
function versionFor(message: unknown): string | undefined {
  const wanted = [message].flat().find(isInitializeRequest)?.params.protocolVersion;
  if (wanted === undefined) return undefined;
  return SUPPORTED_PROTOCOL_VERSIONS.includes(wanted) ? wanted : LATEST_PROTOCOL_VERSION;
}

/** Maximum number of bytes that may wait for the reader of a stream. */
const waitingBytes = 4 * 1024 * 1024;

/**
 * Returns a body with the same content as `source`. The body ends early if its reader is too slow; the client can fetch the missed events
 * when it reconnects. Calls `ended` once, when everything was passed on or the reader has disconnected.
 */
export function boundedBody(source: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const size = (piece: Uint8Array) => piece.length;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const pass = async () => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            if ((controller.desiredSize ?? 0) <= 0) return reader.cancel();
            controller.enqueue(value);
          }
        };
        void pass()
          .then(() => controller.close())
          .catch(() => {}) // fails if the reader has disconnected
          .finally(ended);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: waitingBytes, size },
  );
}

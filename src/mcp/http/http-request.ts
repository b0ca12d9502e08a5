/**
 * HTTP requests to MCP servers, over the shared pool of connections. Node's fetch is not used for two reasons. The Web Streams of fetch
 * made a call five to seven times as slow (scripts/bench/mcp-calls.mjs), and fetch ends a stream that is idle for 300 s.
 */
import {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as openRequest,
  globalAgent as plainAgent,
} from "node:http";
import { globalAgent as secureAgent } from "node:https";
import type { Readable } from "node:stream";
import { onAbort } from "../../core/async/abort.js";
import { decoded, drain, readUpTo } from "../../outbound/response.js";
import { keepAliveAgent, limitConnecting, type PoolOptions, respectKeepAlive } from "../../outbound/socket-pool.js";
import { longestMessage, messageIn, messagesOfServers, TooLong } from "./message-limits.js";

export interface HttpRequest {
  method: "GET" | "POST" | "DELETE";
  url: URL;
  /** The names of the headers are in lower case. */
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** Signals that cancel the request. When one aborts, the exchange ends, even if the head of the answer has already arrived. */
  signals: readonly AbortSignal[];
}

/** An answer to a request. The caller must read the body to its end or discard it. Until then, the answer occupies a connection. */
export interface HttpAnswer {
  status: number;
  statusText: string;
  headers: IncomingHttpHeaders;
  body: Readable;
}

/**
 * A function that sends a request. It resolves when the head of the answer has arrived. It rejects with Unreachable, or with the reason of
 * an aborted signal.
 */
export type SendRequest = (request: HttpRequest) => Promise<HttpAnswer>;

export class Unreachable extends Error {
  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message);
  }
}

/**
 * Time in ms for which an idle connection is kept if the server sends no timeout in a Keep-Alive header. If the server sends a timeout, the
 * connection is kept for that time, but at most `longestIdleMs`. Both values are those of Node's fetch.
 */
const idleMs = 4000;
const longestIdleMs = 600_000;
const connectTimeoutMs = 10_000;

const usual = { "user-agent": "MCP-Platform/1.0", "accept-encoding": "gzip, deflate, br" };

const agents = new Map<string, Agent>();

/** Returns the agent for a protocol. The agent exists until the process ends, but its idle connections do not keep the process alive. */
function agentFor(protocol: string): Agent {
  const known = agents.get(protocol);
  if (known) return known;
  const { options } = (protocol === "https:" ? secureAgent : plainAgent) as { options?: PoolOptions };
  const agent = keepAliveAgent({
    protocol,
    proxyEnv: options?.proxyEnv,
    maxConnections: Number.POSITIVE_INFINITY,
    maxKeepaliveConnections: 256,
    keepaliveExpiryMs: idleMs,
  });
  limitConnecting(agent, connectTimeoutMs);
  agents.set(protocol, agent);
  return agent;
}

interface Endpoint {
  agent: Agent;
  protocol: string;
  host: string;
  port: string;
  path: string;
}

/** Endpoints of URLs, cached because every request needs one. */
const endpoints = new WeakMap<URL, Endpoint>();

function endpointOf(url: URL): Endpoint {
  const known = endpoints.get(url);
  if (known) return known;
  const { protocol, hostname, port, pathname, search } = url;
  const endpoint = {
    agent: agentFor(protocol),
    protocol,
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port,
    path: pathname + search,
  };
  endpoints.set(url, endpoint);
  return endpoint;
}

export const exchange: SendRequest = ({ method, url, headers, body, signals }) =>
  new Promise((resolve, reject) => {
    for (const signal of signals) signal.throwIfAborted();
    // The headers are a list, because Node writes a list unchanged. In an object, Node would check each header three times and store it.
    const list: string[] = [];
    const all: Record<string, string> = Object.assign({ host: url.host }, usual, headers);
    for (const name in all) list.push(name, all[name] as string);
    if (body !== undefined) list.push("content-length", String(Buffer.byteLength(body)));
    const request = openRequest({ method, headers: list, ...endpointOf(url) });
    let broken: ClientRequest | IncomingMessage = request;
    const stops = signals.map((signal) => onAbort(signal, () => broken.destroy(signal.reason)));
    const release = () => {
      for (const stop of stops) stop();
    };
    request.once("response", (incoming) => {
      broken = incoming.once("close", release);
      respectKeepAlive(incoming, longestIdleMs);
      const { statusCode: status = 0, statusMessage: statusText = "", headers: answered } = incoming;
      resolve({ status, statusText, headers: answered, body: decoded(incoming) });
    });
    const fail = (error: NodeJS.ErrnoException) => {
      release();
      reject(signals.find((signal) => signal.aborted)?.reason ?? new Unreachable(error));
    };
    request.on("error", fail);
    // If the answer switches protocols, Node emits only "close".
    request.on("close", () => broken === request && fail(new Error("the connection was closed instead of an answer")));
    request.end(body);
  });

export function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/** Returns the media type of an answer, for example `text/event-stream` for `Text/Event-Stream; charset=utf-8`. */
export function mediaTypeOf({ headers }: HttpAnswer): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/**
 * Reads the body to its end, and resolves with the text. Rejects with Unreachable, with TooLong, or with the reason of an aborted signal.
 */
export function bodyText({ body }: HttpAnswer, all = messagesOfServers): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const message = messageIn(body, all);
    body.setEncoding("utf8");
    body.on("data", (piece: string) => {
      text += piece;
      all.add(message, piece.length);
      if (message.bytes > longestMessage) body.destroy(new TooLong());
    });
    body.once("end", () => resolve(text.replace(/^\uFEFF/, "")));
    body.once("error", (error: NodeJS.ErrnoException) => {
      reject(typeof error.code === "string" ? new Unreachable(error) : error);
    });
  });
}

/** How much is read of the body of a refusal, in bytes, and for how long, in ms. */
const longestRefusal = 64 * 1024;
const refusalWithinMs = 10_000;

/** Resolves with the beginning of the body of an error status: an explanation, or an error of JSON-RPC or OAuth. Never rejects. */
export async function beginningOfRefusal({ body }: HttpAnswer): Promise<string> {
  return (await readUpTo(body, longestRefusal, refusalWithinMs)).replace(/^\uFEFF/, "");
}

/**
 * Discards the body of an answer, so that the connection can be used again. The connection is destroyed if the body does not end soon, or is
 * an event stream.
 */
export function discard(answer: HttpAnswer): void {
  const { body } = answer;
  body.on("error", () => {});
  if (mediaTypeOf(answer) === "text/event-stream") body.destroy();
  else void drain(body);
}

/**
 * One HTTP request to an MCP server and the head of its answer, over the one pool. Not Node's fetch: with its Web Streams a call cost five
 * to seven times as much (scripts/bench/mcp-calls.mjs), and it ends a stream that is idle for 300 s.
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
import { onAbort } from "../../core/on-abort.js";
import { decoded } from "../../outbound/decoded.js";
import { keepAliveAgent, limitConnecting, type PoolOptions, respectKeepAlive } from "../../outbound/pool.js";

export interface HttpRequest {
  method: "GET" | "POST" | "DELETE";
  url: URL;
  /** Names in small letters. */
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** Each ends the exchange, also when the head is there. */
  signals: readonly AbortSignal[];
}

/** The body is to be read to its end, or discarded: until then it holds a connection. */
export interface HttpAnswer {
  status: number;
  statusText: string;
  headers: IncomingHttpHeaders;
  body: Readable;
}

/** Rejects with Unreachable, or a signal's reason. */
export type Exchange = (request: HttpRequest) => Promise<HttpAnswer>;

/** No answer, or not all of it. */
export class Unreachable extends Error {
  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message);
  }
}

/** Characters of one message, as many as a stdio server's may have bytes. A text that grows for ever would end the process. */
export const longestMessage = 64 * 1024 * 1024;

export class TooLong extends Error {
  constructor() {
    super("the server sent a message of more than 64 MB, which was dropped");
  }
}

/** As Node's fetch has them: so long where a server does not say how long it keeps an idle connection, and where it does. */
const idleMs = 4000;
const longestIdleMs = 600_000;
const connectTimeoutMs = 10_000;

const usual = { "user-agent": "MCP-Platform/1.0", "accept-encoding": "gzip, deflate, br" };

const agents = new Map<string, Agent>();

/** For the life of the process, as that of fetch is; idle connections do not keep it alive. */
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

interface Place {
  agent: Agent;
  protocol: string;
  host: string;
  port: string;
  path: string;
}

/** Of addresses as they are, for every request asks. */
const places = new WeakMap<URL, Place>();

function placeOf(url: URL): Place {
  const known = places.get(url);
  if (known) return known;
  const { protocol, hostname, port, pathname, search } = url;
  const place = {
    agent: agentFor(protocol),
    protocol,
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port,
    path: pathname + search,
  };
  places.set(url, place);
  return place;
}

export const exchange: Exchange = ({ method, url, headers, body, signals }) =>
  new Promise((resolve, reject) => {
    for (const signal of signals) signal.throwIfAborted();
    // As a list they are written as they are; as an object each would be looked at three times, and kept.
    const list: string[] = [];
    const all: Record<string, string> = Object.assign({ host: url.host }, usual, headers);
    for (const name in all) list.push(name, all[name] as string);
    if (body !== undefined) list.push("content-length", String(Buffer.byteLength(body)));
    const request = openRequest({ method, headers: list, ...placeOf(url) });
    let broken: ClientRequest | IncomingMessage = request;
    const unfollow = signals.map((signal) => onAbort(signal, () => broken.destroy(signal.reason)));
    const release = () => {
      for (const stop of unfollow) stop();
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
    // Of an answer that switches protocols, Node says nothing else.
    request.on("close", () => broken === request && fail(new Error("the connection was closed instead of an answer")));
    request.end(body);
  });

export function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/** `text/event-stream` of `Text/Event-Stream; charset=utf-8`. */
export function mediaTypeOf({ headers }: HttpAnswer): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** Rejects with Unreachable, TooLong, or with what has ended the exchange. */
export function textOf({ body }: HttpAnswer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    body.setEncoding("utf8");
    body.on("data", (piece: string) => {
      text += piece;
      if (text.length > longestMessage) body.destroy(new TooLong());
    });
    body.once("end", () => resolve(text.replace(/^\uFEFF/, "")));
    body.once("error", (error: NodeJS.ErrnoException) => {
      reject(typeof error.code === "string" ? new Unreachable(error) : error);
    });
  });
}

/** Gives the connection back, or ends it where the body may have no end. */
export function discard(answer: HttpAnswer): void {
  const { body } = answer;
  body.on("error", () => {});
  if (mediaTypeOf(answer) === "text/event-stream") body.destroy();
  else body.resume();
}

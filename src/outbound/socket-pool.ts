/** Pools of connections for requests to model providers and MCP servers. */
import { Agent, type ClientRequest, type Agent as HttpAgent, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import KeepAlive from "agentkeepalive";
import { rawHeader } from "./raw-header.js";

/**
 * An idle connection is closed this long before the server would close it: a request sent while the server closes the connection would
 * fail.
 */
const KEEP_ALIVE_MARGIN_MS = 1000;
/**
 * How long a connection beyond `maxKeepaliveConnections` may be idle. With many parallel requests, most connections are needed again soon.
 */
const SPARE_MS = 250;

export interface PoolOptions {
  /** Protocol of the origin: `https:` or `http:`. */
  protocol: string;
  /** Most connections per origin. */
  maxConnections: number;
  /** Most idle connections per origin that are kept until `keepaliveExpiryMs`. */
  maxKeepaliveConnections: number;
  keepaliveExpiryMs: number;
  /** TLS context with the trusted certificate authorities. Default: Node's authorities. */
  secureContext?: SecureContext | undefined;
  /** Node's agent option of this name, for proxies set by `NODE_USE_ENV_PROXY` (from Node 22.21 on). */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
}

/**
 * Creates a connection pool with exact limits per origin. Never uses `maxTotalSockets`, which counts idle connections to other origins. The
 * agent's own `timeout` is off, because requests have their own limits.
 */
export function keepAliveAgent(options: PoolOptions): HttpAgent & Connecting {
  const { protocol, maxConnections, maxKeepaliveConnections, keepaliveExpiryMs, secureContext, proxyEnv } = options;
  const pool = {
    // The agent reads 0 idle connections as its default of 256, and 0 milliseconds as no limit, so either setting turns keep-alive off
    // here.
    keepAlive: maxKeepaliveConnections > 0 && keepaliveExpiryMs > 0,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    freeSocketTimeout: keepaliveExpiryMs,
    timeout: 0,
    // Unset options are left out, because the agent copies its options for every request.
    ...(secureContext && { secureContext }),
    ...(proxyEnv && { proxyEnv }),
  };
  const agent = protocol === "https:" ? new KeepAlive.HttpsAgent(pool) : new KeepAlive(pool);
  closeSpare(agent, maxKeepaliveConnections);
  // Node copies these options at every request. Copying Node's own object, which has no prototype, takes four times as long as this one.
  const { options: own } = agent as unknown as { options: object };
  return Object.assign(agent as HttpAgent & Connecting, { options: { ...own }, reuseSocket });
}

/**
 * Closes connections beyond `kept` only after `SPARE_MS` of idleness. The agent's own limit would close them at once: with 64 requests in
 * flight, every second request then needed a new connection, a quarter of its cost.
 */
function closeSpare(agent: KeepAlive, kept: number): void {
  agent.on("free", (socket: Socket, options: Parameters<HttpAgent["getName"]>[0]) => {
    const free = agent.freeSockets[agent.getName(options)];
    if (free && free.length > kept && free.at(-1) === socket)
      socket.setTimeout(Math.min(SPARE_MS, socket.timeout || SPARE_MS));
  });
}

/**
 * Does what agentkeepalive's `reuseSocket` does, without its debug output (1 % of W5). Removes the idle timeout of the socket, because
 * requests have time limits of their own.
 */
function reuseSocket(this: HttpAgent, socket: Socket, request: ClientRequest): void {
  Agent.prototype.reuseSocket.call(this, socket, request);
  if (socket.timeout) socket.setTimeout(0);
}

/** The method that the agents for http and https have in common; their types differ. */
export interface Connecting {
  /** Returns undefined if `onCreated` gets the socket later. */
  createConnection(options: ConnectTarget, onCreated: unknown): Socket | undefined;
}
type ConnectTarget = { host?: string; port?: number; socket?: Duplex };

/**
 * Sets one time limit for DNS, TCP, the proxy's answer to CONNECT and TLS together. All other time limits include the wait for the answer.
 */
export function limitConnecting(agent: Connecting, limitMs: number, where = ""): void {
  const createConnection = agent.createConnection.bind(agent);
  const connected = agent instanceof KeepAlive.HttpsAgent ? "secureConnect" : "connect";
  agent.createConnection = (options, onCreated) => {
    const socket = createConnection(options, onCreated);
    if (!socket) return undefined;
    const timer = setTimeout(() => socket.destroy(new ConnectTimeout(where)), limitMs);
    const stop = () => {
      clearTimeout(timer);
      socket.off(connected, stop).off("close", stop);
    };
    socket.once(connected, stop).once("close", stop);
    return socket;
  };
}

export class ConnectTimeout extends Error {
  readonly code = "ECONNTIMEOUT";
}

/**
 * Applies the idle timeout that the server announces (`Keep-Alive: timeout=5`). Node's agent would do so, but agentkeepalive replaces it
 * with its own expiry unless the socket has one.
 */
export function respectKeepAlive(incoming: IncomingMessage, expiryMs: number): void {
  const announced = /timeout=(\d+)/.exec(rawHeader(incoming, "keep-alive") ?? "")?.[1];
  if (!announced) return;
  const limited = incoming.socket as Socket & { freeSocketTimeout?: number };
  limited.freeSocketTimeout = Math.min(expiryMs, Math.max(1, Number(announced) * 1000 - KEEP_ALIVE_MARGIN_MS));
}

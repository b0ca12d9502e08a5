/** Pools of connections, for whoever sends requests: to providers of models, and to MCP servers. */
import { Agent, type ClientRequest, type Agent as HttpAgent, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import KeepAlive from "agentkeepalive";
import { rawHeader } from "./raw-header.js";

/** Before the server closes an idle connection, we do: the request that crosses its FIN would fail. */
const KEEP_ALIVE_MARGIN_MS = 1000;
/** How long a connection beyond those that are kept may be idle: of many requests at once, each is mostly followed by another one. */
const SPARE_MS = 250;

export interface PoolOptions {
  /** `https:` or `http:`, of the origin. */
  protocol: string;
  /** To one origin. */
  maxConnections: number;
  /** To one origin, idle for longer than a moment. */
  maxKeepaliveConnections: number;
  /** How long a connection may be idle. */
  keepaliveExpiryMs: number;
  /** Authorities to trust, where they are not the usual ones. */
  secureContext?: SecureContext | undefined;
  /** Where proxies are set for Node itself, by `NODE_USE_ENV_PROXY` (from Node 22.21 on): its own agents' option of that name. */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
}

/**
 * A connection pool, exact per origin. Never `maxTotalSockets`: it counts idle connections to other origins. The agent's
 * own `timeout` is off: a request has its own limits.
 */
export function keepAliveAgent(options: PoolOptions): HttpAgent & Connecting {
  const { protocol, maxConnections, maxKeepaliveConnections, keepaliveExpiryMs, secureContext, proxyEnv } = options;
  const pool = {
    // To the agent, 0 idle connections are the default of 256, and 0 milliseconds for ever.
    keepAlive: maxKeepaliveConnections > 0 && keepaliveExpiryMs > 0,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    freeSocketTimeout: keepaliveExpiryMs,
    timeout: 0,
    // The agent copies its options for every request.
    ...(secureContext && { secureContext }),
    ...(proxyEnv && { proxyEnv }),
  };
  const agent = protocol === "https:" ? new KeepAlive.HttpsAgent(pool) : new KeepAlive(pool);
  closeSpare(agent, maxKeepaliveConnections);
  // Node copies them at every request, and from its own object, which has no prototype, that takes four times as long.
  const { options: own } = agent as unknown as { options: object };
  return Object.assign(agent as HttpAgent & Connecting, { options: { ...own }, reuseSocket });
}

/**
 * The agent itself would close them at once: with 64 requests in flight that was a connection for every second one, and a quarter of
 * their cost.
 */
function closeSpare(agent: KeepAlive, kept: number): void {
  agent.on("free", (socket: Socket, options: Parameters<HttpAgent["getName"]>[0]) => {
    const free = agent.freeSockets[agent.getName(options)];
    if (free && free.length > kept && free.at(-1) === socket)
      socket.setTimeout(Math.min(SPARE_MS, socket.timeout || SPARE_MS));
  });
}

/**
 * As agentkeepalive's, without what that tells whoever debugs it, in as many words as no optimiser likes: a hundredth of a turn.
 * A connection in use has no limit of its own.
 */
function reuseSocket(this: HttpAgent, socket: Socket, request: ClientRequest): void {
  Agent.prototype.reuseSocket.call(this, socket, request);
  if (socket.timeout) socket.setTimeout(0);
}

/** What both kinds of agent do, and their types say differently. */
export interface Connecting {
  /** Undefined where `onCreated` gets the socket later. */
  createConnection(options: Place, onCreated: unknown): Socket | undefined;
}
type Place = { host?: string; port?: number; socket?: Duplex };

/** DNS, TCP, the proxy's consent and TLS together. Nothing else limits them apart from waiting for the answer. */
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

/** No connection within the limit. */
export class ConnectTimeout extends Error {
  readonly code = "ECONNTIMEOUT";
}

/** Node's agent heeds `Keep-Alive: timeout=5`; agentkeepalive overrules it with its own expiry unless told per socket. */
export function respectKeepAlive(incoming: IncomingMessage, expiryMs: number): void {
  const announced = /timeout=(\d+)/.exec(rawHeader(incoming, "keep-alive") ?? "")?.[1];
  if (!announced) return;
  const limited = incoming.socket as Socket & { freeSocketTimeout?: number };
  limited.freeSocketTimeout = Math.min(expiryMs, Math.max(1, Number(announced) * 1000 - KEEP_ALIVE_MARGIN_MS));
}

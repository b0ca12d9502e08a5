/** Creates pools of connections for requests to model providers and MCP servers. */
import { Agent, type ClientRequest, type Agent as HttpAgent, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";
import KeepAlive from "agentkeepalive";
import { rawHeader } from "./response.js";

/**
 * An idle connection is closed this many ms before the server would close it, because a request that is sent while the server closes the
 * connection would fail.
 */
const keepAliveMarginMs = 1000;
/**
 * Time, in ms, after which an idle connection is closed if more than `maxKeepaliveConnections` are idle. With many parallel requests, most
 * of these connections are needed again sooner than that.
 */
const spareMs = 250;

export interface PoolOptions {
  /** Protocol of the origin: `https:` or `http:`. */
  protocol: string;
  /** Maximum number of connections per origin. */
  maxConnections: number;
  /** Maximum number of idle connections per origin that are kept until `keepaliveExpiryMs`. */
  maxKeepaliveConnections: number;
  keepaliveExpiryMs: number;
  /** TLS context with the trusted certificate authorities. Default: the authorities that Node trusts. */
  secureContext?: SecureContext | undefined;
  /** Value for Node's agent option `proxyEnv`. It is used for proxies that `NODE_USE_ENV_PROXY` enables (from Node 22.21 on). */
  proxyEnv?: NodeJS.ProcessEnv | undefined;
}

/**
 * Creates a connection pool whose limits apply to each origin. `maxTotalSockets` is not used, because it also counts idle connections to
 * other origins. The agent's own `timeout` is off, because requests have time limits of their own.
 */
export function keepAliveAgent(options: PoolOptions): HttpAgent & Connecting {
  const { protocol, maxConnections, maxKeepaliveConnections, keepaliveExpiryMs, secureContext, proxyEnv } = options;
  const pool = {
    // Keep-alive is off if one of the two values is 0. The agent itself would read 0 idle connections as its default of 256, and 0
    // milliseconds as no limit.
    keepAlive: maxKeepaliveConnections > 0 && keepaliveExpiryMs > 0,
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    freeSocketTimeout: keepaliveExpiryMs,
    timeout: 0,
    // Options that are not set are left out, because Node copies the options for every request.
    ...(secureContext && { secureContext }),
    ...(proxyEnv && { proxyEnv }),
  };
  const agent = protocol === "https:" ? new KeepAlive.HttpsAgent(pool) : new KeepAlive(pool);
  closeSpare(agent, maxKeepaliveConnections);
  // Node copies these options for every request. The object that Node created has no prototype, and copying it takes four times as long as
  // copying this plain object.
  const { options: own } = agent as unknown as { options: object };
  return Object.assign(agent as HttpAgent & Connecting, { options: { ...own }, reuseSocket });
}

/**
 * If more than `kept` connections are idle, closes the additional ones `spareMs` after their last request. The agent's own limit would
 * close them at once. With that limit and 64 parallel requests, every second request needed a new connection. A new connection makes up a
 * quarter of the cost of a request.
 */
function closeSpare(agent: KeepAlive, kept: number): void {
  agent.on("free", (socket: Socket, options: Parameters<HttpAgent["getName"]>[0]) => {
    const free = agent.freeSockets[agent.getName(options)];
    if (free && free.length > kept && free.at(-1) === socket)
      socket.setTimeout(Math.min(spareMs, socket.timeout || spareMs));
  });
}

/**
 * Does what agentkeepalive's `reuseSocket` does, without its debug output, which took 1 % of the time of benchmark W5. Also removes the
 * socket's idle timeout, because requests have time limits of their own.
 */
function reuseSocket(this: HttpAgent, socket: Socket, request: ClientRequest): void {
  Agent.prototype.reuseSocket.call(this, socket, request);
  if (socket.timeout) socket.setTimeout(0);
}

/** The method that the agents for http and https have in common. It is declared here, because the types of the two agents differ. */
export interface Connecting {
  /** Creates a connection. Returns undefined if the socket is passed to `onCreated` later. */
  createConnection(options: ConnectTarget, onCreated: unknown): Socket | undefined;
}
type ConnectTarget = { host?: string; port?: number; socket?: Duplex };

/**
 * Sets one time limit for all steps of connecting: DNS, TCP, the proxy's answer to CONNECT, and TLS. This limit is needed because all other
 * time limits also include the wait for the provider's answer.
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
 * Applies the idle timeout that the server announces (`Keep-Alive: timeout=5`). Node's own agent would apply it, but agentkeepalive uses
 * the expiry of its options, unless the socket has one of its own (`freeSocketTimeout`). So the announced timeout is set on the socket.
 */
export function respectKeepAlive(incoming: IncomingMessage, expiryMs: number): void {
  const announced = /timeout=(\d+)/.exec(rawHeader(incoming, "keep-alive") ?? "")?.[1];
  if (!announced) return;
  const limited = incoming.socket as Socket & { freeSocketTimeout?: number };
  limited.freeSocketTimeout = Math.min(expiryMs, Math.max(1, Number(announced) * 1000 - keepAliveMarginMs));
}

import type { Agent as HttpAgent, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import KeepAlive from "agentkeepalive";
import type { HttpConfig } from "../core/config.js";
import { type HttpProxy, hostOf, portOf } from "./proxy.js";
import { Tunnel } from "./tunnel.js";

/** Before the server closes an idle connection, we do: the request that crosses its FIN would fail. */
const KEEP_ALIVE_MARGIN_MS = 1000;

interface AgentOptions {
  http: HttpConfig;
  /** `https:` or `http:`, of the origin. */
  protocol: string;
  connectTimeoutMs: number;
  proxy?: HttpProxy;
  /** Authorities to trust, where they are not the usual ones. */
  secureContext?: SecureContext;
}

/**
 * A connection pool, exact per origin. Never `maxTotalSockets`: it counts idle connections to other providers. The agent's
 * own `timeout` is off: a request has its own limits.
 */
export function createAgent({ http, protocol, connectTimeoutMs, proxy, secureContext }: AgentOptions): HttpAgent {
  const pool = {
    // To the agent, 0 idle connections are the default of 256, and 0 milliseconds for ever.
    keepAlive: http.maxKeepaliveConnections > 0 && http.keepaliveExpiryMs > 0,
    maxSockets: http.maxConnections,
    maxFreeSockets: http.maxKeepaliveConnections,
    freeSocketTimeout: http.keepaliveExpiryMs,
    timeout: 0,
    secureContext,
  };
  const agent = protocol === "https:" ? new KeepAlive.HttpsAgent(pool) : new KeepAlive(pool);
  if (proxy) connectThrough(agent as Connecting, proxy, secureContext);
  limitConnecting(agent as Connecting, connectTimeoutMs, proxy);
  return agent;
}

/** What both kinds of agent do, and their types say differently. */
interface Connecting {
  createConnection(options: Place, onCreated: unknown): Socket;
}
type Place = { host?: string; port?: number; socket?: Tunnel };

/** https: a tunnel to the origin. http: a connection to the proxy, whose requests name the whole URL. */
function connectThrough(agent: Connecting, proxy: HttpProxy, secureContext: SecureContext | undefined): void {
  const createConnection = agent.createConnection.bind(agent);
  const connectToProxy: Connecting["createConnection"] = (options, onCreated) =>
    createConnection({ ...options, host: hostOf(proxy.url), port: portOf(proxy.url) }, onCreated);
  const connectByTunnel: Connecting["createConnection"] = (options, onCreated) => {
    const { host = "", port } = options;
    const tunnel = new Tunnel(proxy, `${host.includes(":") ? `[${host}]` : host}:${port}`, secureContext);
    const socket = createConnection({ ...options, socket: tunnel }, onCreated);
    // TLS would only say that its stream ended.
    tunnel.once("error", (error) => socket.destroy(error));
    socket.once("close", () => tunnel.destroy());
    return socket;
  };
  agent.createConnection = agent instanceof KeepAlive.HttpsAgent ? connectByTunnel : connectToProxy;
}

/** DNS, TCP, the proxy's consent and TLS together. Nothing else limits them apart from waiting for the answer. */
function limitConnecting(agent: Connecting, limitMs: number, proxy: HttpProxy | undefined): void {
  const createConnection = agent.createConnection.bind(agent);
  const connected = agent instanceof KeepAlive.HttpsAgent ? "secureConnect" : "connect";
  agent.createConnection = (options, onCreated) => {
    const socket = createConnection(options, onCreated);
    const timer = setTimeout(() => socket.destroy(new ConnectTimeout(proxy)), limitMs);
    const stop = () => {
      clearTimeout(timer);
      socket.off(connected, stop).off("close", stop);
    };
    socket.once(connected, stop).once("close", stop);
    return socket;
  };
}

/** No connection within `connect_timeout`. */
export class ConnectTimeout extends Error {
  readonly code = "ECONNTIMEOUT";

  constructor(proxy: HttpProxy | undefined) {
    super(proxy ? `through the proxy ${proxy.name}` : "");
  }
}

/**
 * Node's agent heeds `Keep-Alive: timeout=5`; agentkeepalive overrules it with its own expiry unless told per socket.
 */
export function respectKeepAlive({ headers, socket }: IncomingMessage, expiryMs: number): void {
  const announced = /timeout=(\d+)/.exec(String(headers["keep-alive"] ?? ""))?.[1];
  if (!announced) return;
  const limited = socket as Socket & { freeSocketTimeout?: number };
  limited.freeSocketTimeout = Math.min(expiryMs, Math.max(1, Number(announced) * 1000 - KEEP_ALIVE_MARGIN_MS));
}

import type { Agent as HttpAgent } from "node:http";
import type { SecureContext } from "node:tls";
import KeepAlive from "agentkeepalive";
import type { HttpConfig } from "../../core/config.js";
import { type Connecting, keepAliveAgent, limitConnecting } from "../../outbound/socket-pool.js";
import { type HttpProxy, hostOf, portOf } from "./proxy.js";
import { Tunnel } from "./tunnel.js";

interface AgentOptions {
  http: HttpConfig;
  /** Protocol of the origin: `https:` or `http:`. */
  protocol: string;
  connectTimeoutMs: number;
  proxy?: HttpProxy;
  /** TLS context with the trusted certificate authorities. Default: Node's authorities. */
  secureContext?: SecureContext;
}

export function createAgent({ http, protocol, connectTimeoutMs, proxy, secureContext }: AgentOptions): HttpAgent {
  const agent = keepAliveAgent({ ...http, protocol, secureContext });
  if (proxy) connectThrough(agent, proxy, secureContext);
  limitConnecting(agent, connectTimeoutMs, proxy && `through the proxy ${proxy.name}`);
  return agent;
}

/**
 * Makes the agent connect through the proxy. Requests to an https origin go through a tunnel. Requests to an http origin go to the proxy
 * itself, with the whole URL in the request line.
 */
function connectThrough(agent: Connecting, proxy: HttpProxy, secureContext: SecureContext | undefined): void {
  const createConnection = agent.createConnection.bind(agent);
  const connectToProxy: Connecting["createConnection"] = (options, onCreated) =>
    createConnection({ ...options, host: hostOf(proxy.url), port: portOf(proxy.url) }, onCreated);
  const connectByTunnel: Connecting["createConnection"] = (options, onCreated) => {
    const { host = "", port } = options;
    const tunnel = new Tunnel(proxy, `${host.includes(":") ? `[${host}]` : host}:${port}`, secureContext);
    const socket = createConnection({ ...options, socket: tunnel }, onCreated);
    // The tunnel's error is passed on, because TLS would only report that its stream ended.
    tunnel.once("error", (error) => socket?.destroy(error));
    socket?.once("close", () => tunnel.destroy());
    return socket;
  };
  agent.createConnection = agent instanceof KeepAlive.HttpsAgent ? connectByTunnel : connectToProxy;
}

import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import type { Socket } from "node:net";
import KeepAlive from "agentkeepalive";
import type { AxiosResponse } from "axios";
import type { HttpConfig } from "../core/config.js";

/** Before the server closes an idle connection, we do: the request that crosses its FIN would fail. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/**
 * Connection pools, per origin. Never `maxTotalSockets`: it counts idle connections to other providers. The agents' own
 * `timeout` is off, since axios resets it per request.
 */
export function createAgents(http: HttpConfig): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const pool = {
    maxSockets: http.maxConnections,
    maxFreeSockets: http.maxKeepaliveConnections,
    freeSocketTimeout: http.keepaliveExpiryMs,
    timeout: 0,
  };
  return {
    httpAgent: limitConnecting(new KeepAlive(pool), "connect", http.connectTimeoutMs),
    httpsAgent: limitConnecting(new KeepAlive.HttpsAgent(pool), "secureConnect", http.connectTimeoutMs),
  };
}

type CreateConnection = (...parameters: Parameters<KeepAlive["createConnection"]>) => Socket;

/** DNS, TCP and TLS together. Nothing else limits them apart from waiting for the answer. */
function limitConnecting<A extends { createConnection: CreateConnection }>(
  agent: A,
  connected: string,
  limitMs: number,
): A {
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (...parameters) => {
    const socket = createConnection(...parameters);
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error("no connection in time"), { code: "ECONNTIMEOUT" }));
    }, limitMs);
    const stop = () => clearTimeout(timer);
    socket.once(connected, stop).once("close", stop);
    return socket;
  };
  return agent;
}

/**
 * Node's agent heeds `Keep-Alive: timeout=5`; agentkeepalive overrules it with its own expiry unless told per socket.
 */
export function respectKeepAlive({ headers, request }: AxiosResponse, expiryMs: number): void {
  const announced = /timeout=(\d+)/.exec(String(headers["keep-alive"] ?? ""))?.[1];
  const { socket } = request as { socket?: Socket & { freeSocketTimeout?: number } };
  if (announced && socket) {
    socket.freeSocketTimeout = Math.min(expiryMs, Math.max(1, Number(announced) * 1000 - KEEP_ALIVE_MARGIN_MS));
  }
}

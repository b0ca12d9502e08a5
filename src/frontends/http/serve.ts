import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { hostname } from "node:os";
import type { Writable } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import type { ServeConfig } from "../../core/config.js";
import { messageOf, RequestError } from "../../core/errors.js";
import { streamPath } from "../../session/live/streams.js";
import type { DoorParts, OnInterrupt } from "../door.js";
import { exitCodes } from "../exit-codes.js";
import type { McpHttpOptions } from "../mcp/http.js";
import type { McpParts } from "../mcp/server.js";
import { admitBy } from "./admit.js";
import { messageRoutes } from "./anthropic/routes.js";
import { type Route, routesApp } from "./api.js";
import { Attempts } from "./attempts.js";
import { Connections } from "./connections.js";
import { Gate, isLoopbackAddress } from "./gate.js";
import { loginRoutes } from "./login-routes.js";
import { mcpDoor } from "./mcp-routes.js";
import { openAiRoutes } from "./openai-routes.js";
import { openApiDocument } from "./openapi.js";
import { pageRoutes } from "./page.js";
import { peerStream } from "./peer-stream.js";
import { RateLimit } from "./rate-limit.js";
import { responseRoutes } from "./response-routes.js";
import { serverRoutes } from "./server-routes.js";
import { sessionRoutes } from "./session-routes.js";
import { usageRoutes } from "./usage-routes.js";
import { acceptSockets } from "./websocket.js";

export interface ServeOptions extends ServeConfig {
  version: string;
  /** Models that callers are offered beside the default one: `provider/model`. */
  models: () => readonly string[];
  /** How long a stream is silent before a comment says that it lives; and how often a WebSocket is asked. */
  keepAliveMs?: number;
  /** How long a connection may take to the end of its first headers. */
  headersTimeoutMs?: number;
  /** What the host is to MCP clients at /mcp. */
  mcp: Pick<McpParts, "serve" | "said" | "defaults" | "passage"> & Pick<McpHttpOptions, "idleMs" | "mostSessions">;
}

export interface HttpDoor {
  /** Without a slash at the end. */
  url: string;
  /** Undefined: every caller may come in. */
  token: string | undefined;
  /** Takes nothing more, and resolves when every connection has ended: sockets are asked to. */
  flush(): Promise<void>;
  /** Ends every connection. */
  close(): void;
}

/** Proxies and browsers give up on a line that is silent for 30 to 60 seconds. */
const defaultKeepAliveMs = 15_000;
/** For the headers and the body of a request to arrive. */
const requestTimeoutMs = 60_000;
/** For the headers of a request to arrive, from the start of the connection. */
const headersTimeoutMs = 10_000;
/** How often is looked for connections that are over their time. */
const lookForLateMs = 1_000;
/** Longer than the pools of clients and proxies keep an idle connection, so that they close it, and not this end under a new request. */
const idleConnectionMs = 75_000;

export interface ShownToken {
  /** Where the token is, as a person reads it; undefined where it is kept nowhere, or where there is none. */
  place: string | undefined;
  /** The host made the token. One that the user has set is shown nowhere. */
  isMade: boolean;
}

interface ServeProcess {
  stderr: Writable & { isTTY?: boolean };
  onInterrupt: OnInterrupt;
  token: ShownToken;
}

/** The network door, until an interrupt. Resolves to the exit code. Says where it is on stderr. */
export async function runServe(
  parts: DoorParts,
  options: ServeOptions,
  { stderr, onInterrupt, token }: ServeProcess,
): Promise<number> {
  const interrupted = new Promise<void>((resolve) => onInterrupt(resolve));
  await parts.sessions.recover();
  parts.sessions.startRetention();
  const door = await openHttpDoor(parts, options);
  parts.onLeaving?.(() => door.flush());
  stderr.write(
    `listening on ${door.url} (API: ${door.url}/v1, WebSocket: /ws/chat, MCP: /mcp, description: /openapi.json)\n`,
  );
  stderr.write(tokenLines(door, token, stderr.isTTY === true));
  await interrupted;
  door.close();
  return exitCodes.cancelled;
}

/** The page's link, and where its token is. A log may be read by others: only a terminal, or a token kept nowhere else, shows the token. */
function tokenLines({ url, token }: HttpDoor, { place, isMade }: ShownToken, isTerminal: boolean): string {
  if (token === undefined) return `page: ${url}/\n`;
  const isShown = isMade && (isTerminal || place === undefined);
  const page = `page: ${url}/#token=${isShown ? token : "<token>"}\n`;
  return place === undefined ? page : `${page}token: in ${place}; programs send it as Authorization: Bearer <token>\n`;
}

/** Throws RequestError when the address cannot be listened on, and for one that other machines reach without a token. */
export async function openHttpDoor(parts: DoorParts, options: ServeOptions): Promise<HttpDoor> {
  const { host, port, maxBodyMb, maxConnections, plainModels, keepAliveMs = defaultKeepAliveMs } = options;
  const isLoopback = isLoopbackAddress(host);
  const { token } = options;
  if (token === undefined && !isLoopback)
    throw new RequestError("usage", `${host} is reached from other machines and needs a token`);
  const rate = new RateLimit(options.requestsPerMinute, () => performance.now());
  const { exchange } = parts.sessions;
  const peers = exchange && { path: streamPath, secret: randomBytes(32).toString("base64url") };
  const isDraining = () => parts.sessions.isDraining;
  const strangersRate = new RateLimit(options.requestsPerMinute, () => performance.now());
  const gate = new Gate({ ...options, token, isLoopback, rate, strangersRate, isDraining, peers });
  const message = `all ${maxConnections} connections of serve.max_connections are open; others get a 503, and probes are answered`;
  const connections = new Connections({
    most: maxConnections,
    now: () => performance.now(),
    onFull: () => parts.observe?.({ level: "warn", scope: "serve", message }),
  });
  const maxBytes = Math.floor(maxBodyMb * 1024 * 1024);
  const { idleMs, mostSessions, ...mcpParts } = options.mcp;
  const mcp = mcpDoor(
    { ...parts, ...mcpParts, version: options.version },
    { keepAliveMs, maxBytes, ...(idleMs && { idleMs }), ...(mostSessions && { mostSessions }) },
  );
  const attempts = new Attempts(() => performance.now());
  const routes: Route[] = [
    ...openAiRoutes(parts, { keepAliveMs, models: options.models, plainModels, attempts }),
    ...responseRoutes(parts, { keepAliveMs, plainModels, attempts }),
    ...messageRoutes(parts, { keepAliveMs, plainModels, attempts }),
    ...sessionRoutes({ ...parts, secrets: () => [...parts.secrets(), ...(token ? [token] : [])] }, { keepAliveMs }),
    ...usageRoutes(parts),
    ...serverRoutes(parts, (call) => gate.isAuthorized(call)),
    ...loginRoutes(parts),
    ...mcp.routes,
  ];
  const description: Route = {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    run: () => Response.json(openApiDocument([...routes, description], options.version)),
  };
  const unlisted = peers ? [peerStream(exchange, { secret: peers.secret, keepAliveMs })] : [];
  const { newId } = parts;
  const admit = admitBy(gate, connections, newId);
  const app = routesApp([...routes, description, ...pageRoutes(), ...unlisted], { admit, maxBytes, newId });
  const serverOptions = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: options.headersTimeoutMs ?? headersTimeoutMs,
    connectionsCheckingInterval: lookForLateMs,
    keepAliveTimeout: idleConnectionMs,
  };
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions }) as HttpServer;
  server.on("connection", (socket) => connections.add(socket));
  const endSockets = acceptSockets(server, parts, { gate, connections, rate, maxBytes, pingMs: 2 * keepAliveMs });
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  const url = `http://${nameOf(host)}:${bound}`;
  const { advertise } = options;
  if (peers && (advertise || isLoopback)) exchange.offer(advertise ?? url, peers.secret, { isLocal: !advertise });
  return {
    url,
    token,
    flush() {
      endSockets();
      void mcp.close();
      return new Promise((resolve) => server.close(() => resolve()));
    },
    close() {
      endSockets();
      void mcp.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(server: HttpServer, host: string, port: number): Promise<void> {
  try {
    await once(server.listen(port, host), "listening");
  } catch (error) {
    const hint = "name another one with --host and --port, or in serve of the configuration";
    throw new RequestError("usage", `cannot listen on ${host} port ${port}: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

/** As others can write it: an address that stands for all has none. */
function nameOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return hostname();
  return isIPv6(host) ? `[${host}]` : host;
}

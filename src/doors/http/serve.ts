import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { hostname } from "node:os";
import type { Writable } from "node:stream";
import { createAdaptorServer } from "@hono/node-server";
import { ArrivingMessages } from "../../core/async/arriving-messages.js";
import type { ServeConfig } from "../../core/config.js";
import { messageOf, RequestError } from "../../core/errors.js";
import { isLoopback } from "../../core/text/networks.js";
import type { McpHttpOptions } from "../mcp/http.js";
import type { McpParts } from "../mcp/mcp-parts.js";
import type { DoorParts, OnInterrupt } from "../shared/door.js";
import { exitCodes } from "../shared/exit-codes.js";
import { admitBy } from "./admission/admit.js";
import { Connections, endWaitingAnswers } from "./admission/connections.js";
import { Gate } from "./admission/gate.js";
import { RateLimit } from "./admission/rate-limit.js";
import { SignIns } from "./admission/sign-ins.js";
import { messageRoutes } from "./anthropic/routes.js";
import { chatCompletionRoutes } from "./openai/chat-completion-routes.js";
import { modelRoutes } from "./openai/model-routes.js";
import { responseRoutes } from "./openai/response-routes.js";
import { approvalRoutes } from "./routes/approval-routes.js";
import { conversationRoutes } from "./routes/conversation-routes.js";
import { hostRoutes } from "./routes/host-routes.js";
import { loginRoutes } from "./routes/login-routes.js";
import { mcpDoor } from "./routes/mcp-routes.js";
import { openApiDocument } from "./routes/openapi.js";
import { pageRoutes } from "./routes/page-files.js";
import { serverChangeRoutes } from "./routes/server-change-routes.js";
import { serverRoutes } from "./routes/server-routes.js";
import { serverUseRoutes } from "./routes/server-use-routes.js";
import { sessionRoutes } from "./routes/session-routes.js";
import { settingRoutes } from "./routes/setting-routes.js";
import { signInRoutes } from "./routes/sign-in-routes.js";
import { type ApiRoute, routesApp } from "./shared/api.js";
import { RepeatedCalls } from "./turns/repeated-calls.js";
import { upgradeOptions } from "./upgrades.js";
import { acceptSockets } from "./websocket.js";

export interface ServeOptions extends ServeConfig {
  version: string;
  /** Returns the models that callers are offered besides the default model, as `provider/model`. */
  models: () => readonly string[];
  /** Folder for the sign-ins of browsers. Hosts may share it. */
  signInFolder: string;
  /** Time without data after which a stream gets a keep-alive comment, in ms. WebSockets are pinged at twice this interval. */
  keepAliveMs?: number;
  requestTimeoutMs?: number;
  uploads?: ArrivingMessages;
  mcp: Pick<McpParts, "serve" | "given" | "defaults"> & Pick<McpHttpOptions, "idleMs" | "mostSessions">;
}

export interface HttpDoor {
  /** Base URL of the server, without a trailing slash. */
  url: string;
  /** Token that callers must send. Undefined if no token is needed. */
  token: string | undefined;
  /** Stops accepting connections and asks the WebSockets to close. Resolves when every connection has ended. */
  flush(): Promise<void>;
  close(): void;
}

/** Time without data until a keep-alive comment, in ms. Proxies and browsers drop a connection after 30 to 60 seconds of silence. */
const defaultKeepAliveMs = 15_000;
/**
 * Time in which a request or a message of a WebSocket must arrive, in ms. For a request, it begins when the connection is opened. A busy host
 * may need some seconds of it until it reads what has arrived.
 */
const defaultRequestTimeoutMs = 60_000;
/** Interval at which the server looks for connections that have exceeded their time, in ms. */
const lookForLateMs = 1_000;
/**
 * Time that an idle connection stays open, in ms. Clients and proxies keep idle connections for less time. So this host does not close a
 * connection on which a request is just being sent.
 */
const idleConnectionMs = 75_000;

export interface ShownToken {
  /** Text that tells people where the token is stored. Undefined if the token is not stored or no token is needed. */
  location: string | undefined;
  /** True if this host generated the token. A token that the user has set is never shown. */
  isMade: boolean;
}

interface ServeProcess {
  stderr: Writable & { isTTY?: boolean };
  onInterrupt: OnInterrupt;
  token: ShownToken;
}

/**
 * Runs the HTTP server until an interrupt, and writes the server's address to stderr. Resolves with the exit code. The server stays open until
 * the caller of `onLeaving` has ended the turns and flushes it, so that its clients are told.
 */
export async function runServe(
  parts: DoorParts,
  options: ServeOptions,
  { stderr, onInterrupt, token }: ServeProcess,
): Promise<number> {
  const interrupted = new Promise<void>((resolve) => onInterrupt(resolve));
  await parts.sessions.recover();
  parts.sessions.startUpkeep();
  const door = await openHttpDoor(parts, options);
  parts.onLeaving?.(() => door.flush());
  stderr.write(
    `listening on ${door.url} (API: ${door.url}/v1, WebSocket: /ws/chat, MCP: /mcp, description: /openapi.json)\n`,
  );
  stderr.write(tokenLines(door, token, stderr.isTTY === true));
  await interrupted;
  return exitCodes.cancelled;
}

/**
 * Returns the lines with the link to the page and with the location of the token. Others may read a log of stderr. So the link contains the
 * token only on a terminal, or if the token is not stored anywhere.
 */
function tokenLines({ url, token }: HttpDoor, { location, isMade }: ShownToken, isTerminal: boolean): string {
  if (token === undefined) return `page: ${url}/\n`;
  const isShown = isMade && (isTerminal || location === undefined);
  const page = `page: ${url}/#token=${isShown ? token : "<token>"}\n`;
  return location === undefined
    ? page
    : `${page}token: in ${location}; programs send it as Authorization: Bearer <token>\n`;
}

/**
 * Opens the HTTP server. Rejects with RequestError if it cannot listen on the address, or if other machines could reach it without a token.
 */
export async function openHttpDoor(parts: DoorParts, options: ServeOptions): Promise<HttpDoor> {
  const { host, port, maxBodyMb, maxConnections, plainModels, keepAliveMs = defaultKeepAliveMs } = options;
  const { requestTimeoutMs = defaultRequestTimeoutMs, uploads = new ArrivingMessages() } = options;
  const isOnlyLocal = isLoopback(host);
  const { token } = options;
  if (token === undefined && !isOnlyLocal)
    throw new RequestError("usage", `other machines can reach ${host}, so a token is needed`);
  const rate = new RateLimit(options.requestsPerMinute, () => performance.now());
  const isDraining = () => parts.sessions.isDraining;
  const strangersRate = new RateLimit(options.requestsPerMinute, () => performance.now());
  const { now, observe } = parts;
  const signIns =
    token === undefined ? undefined : new SignIns({ folder: options.signInFolder, port, token, now, observe });
  const gate = new Gate({ ...options, token, signIns, isOnlyLocal, rate, strangersRate, isDraining });
  const message = `all ${maxConnections} connections of serve.max_connections are open; others get a 503, and probes are answered`;
  const connections = new Connections({
    most: maxConnections,
    now: () => performance.now(),
    onFull: () => observe?.({ level: "warn", scope: "serve", message }),
  });
  const maxBytes = Math.floor(maxBodyMb * 1024 * 1024);
  const { idleMs, mostSessions, ...mcpParts } = options.mcp;
  const mcp = mcpDoor(
    { ...parts, ...mcpParts, version: options.version },
    { keepAliveMs, maxBytes, ...(idleMs && { idleMs }), ...(mostSessions && { mostSessions }) },
  );
  const attempts = new RepeatedCalls(() => performance.now());
  const routes: ApiRoute[] = [
    ...modelRoutes(parts, { models: options.models, plainModels }),
    ...chatCompletionRoutes(parts, { keepAliveMs, plainModels, attempts }),
    ...responseRoutes(parts, { keepAliveMs, plainModels, attempts }),
    ...messageRoutes(parts, { keepAliveMs, plainModels, attempts }),
    ...conversationRoutes({ ...parts, secrets: () => [...parts.secrets(), ...(token ? [token] : [])] }),
    ...sessionRoutes(parts, { keepAliveMs }),
    ...hostRoutes(parts, (call) => gate.hasToken(call)),
    ...signInRoutes(signIns, (call) => gate.hasToken(call)),
    ...(parts.approvals ? approvalRoutes(parts.approvals) : []),
    ...(parts.settings ? settingRoutes(parts.settings) : []),
    ...serverRoutes(parts),
    ...serverUseRoutes(parts, options.mcp.defaults),
    ...(parts.serverSettings ? serverChangeRoutes(parts, parts.serverSettings) : []),
    ...loginRoutes(parts),
    ...mcp.routes,
  ];
  const description: ApiRoute = {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    run: () => Response.json(openApiDocument([...routes, description], options.version)),
  };
  const { newId } = parts;
  const admit = admitBy(gate, connections, newId);
  const app = routesApp([...routes, description, ...pageRoutes()], { admit, maxBytes, uploads, newId });
  const serverOptions = {
    ...upgradeOptions,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: lookForLateMs,
    keepAliveTimeout: idleConnectionMs,
  };
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions }) as HttpServer;
  server.on("connection", (socket) => connections.add(socket));
  endWaitingAnswers(server);
  const sockets = { maxBytes, uploads, messageMs: requestTimeoutMs, pingMs: 2 * keepAliveMs };
  const socketsDoor = acceptSockets(server, parts, { gate, connections, rate, ...sockets });
  signIns?.onEnd(socketsDoor.endSignedOut);
  await listen(server, host, port);
  const { port: bound } = server.address() as AddressInfo;
  const url = `http://${nameOf(host)}:${bound}`;
  return {
    url,
    token,
    flush() {
      socketsDoor.end();
      void mcp.close();
      return new Promise((resolve) => server.close(() => resolve()));
    },
    close() {
      socketsDoor.end();
      void mcp.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Connections that the operating system holds until they are accepted. It refuses more of them, or lets them wait for seconds. Linux lowers
 * the value to `net.core.somaxconn`. Node's default of 511 is fewer than one moment may bring.
 */
const backlog = 4096;

async function listen(server: HttpServer, host: string, port: number): Promise<void> {
  try {
    await once(server.listen({ port, host, backlog }), "listening");
  } catch (error) {
    const hint = "choose another address with --host and --port, or under serve in the configuration";
    throw new RequestError("usage", `cannot listen on ${host} port ${port}: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

/** Returns the host for use in a URL. A wildcard address cannot be used there, so the name of this machine replaces it. */
function nameOf(host: string): string {
  if (host === "0.0.0.0" || host === "::") return hostname();
  return isIPv6(host) ? `[${host}]` : host;
}

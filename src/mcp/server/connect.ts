import type { ServerConfig } from "../../core/config.js";
import { McpError } from "../../core/errors.js";
import type { ServerHello, ServerTransport } from "../../core/transports.js";
import type { Callbacks } from "../callbacks/callbacks.js";
import { learn, learnFrom, sessionWith } from "../protocol/eras.js";
import { objectionTo } from "../protocol/header-params.js";
import { asMcpError, Link, relayedSession } from "../protocol/relayed-session.js";
import type { RouteEnd, ServerRoute } from "../protocol/server-route.js";
import { EndedByProbe, type ServerSession } from "../protocol/server-session.js";
import { abortable } from "../shared/wait.js";
import { type ConnectionEvents, McpConnection } from "./mcp-connection.js";

interface ConnectParts {
  callbacks: Callbacks;
  events: ConnectionEvents;
  /** Carries the requests in place of the server's own connection, or passes them to it. */
  transport?: ServerTransport | undefined;
}

/**
 * Connects to the server over the route that `open` opens. If the server does not speak that transport, tries the other route that the
 * failed route offers (`ServerRoute.instead`). Closes every failed route. Rejects with McpError if no route is left.
 */
export async function connectServer(
  config: ServerConfig,
  parts: ConnectParts,
  signal: AbortSignal,
  open: () => Promise<ServerRoute>,
): Promise<McpConnection> {
  const { transport, callbacks, events } = parts;
  if (!transport) return (await connectBy(open, config, parts, signal)).connection;
  const { name: server } = config;
  const link = new Link();
  let live: McpConnection | undefined;
  const greeting = transport.hello(server, link, async (told) => {
    const { connection, session } = await connectBy(open, config, parts, signal, (inner, { explain }) =>
      relayedSession(inner, { server, transport, link, told, explain }),
    );
    live = connection;
    return helloOf(session);
  });
  const hello = await abortable(greeting, signal);
  if (live) return live;
  const { explain } = silentRoute;
  const session = relayedSession(silentSession(config, hello), { server, transport, link, told: link, explain });
  return new McpConnection(config, events, { route: silentRoute, session, callbacks });
}

async function connectBy(
  open: () => Promise<ServerRoute>,
  config: ServerConfig,
  parts: ConnectParts,
  signal: AbortSignal,
  wrap: (session: ServerSession, route: ServerRoute) => ServerSession = (session) => session,
): Promise<{ connection: McpConnection; session: ServerSession }> {
  const { callbacks, events } = parts;
  const route = await open();
  try {
    const session = wrap(await abortable(sessionWith(config, route, callbacks.capabilities, signal), signal), route);
    const connection = new McpConnection(config, events, { route, session, callbacks });
    await abortable(session.connect(), signal);
    learn(session.era, config);
    return { connection, session };
  } catch (error) {
    learnFrom(error, config);
    const reason = route.explain(error); // called before `close`, because closing causes another error
    await route.close();
    // A server that is configured as modern would only be probed again.
    const isLegacy = error instanceof EndedByProbe && config.protocol === "auto";
    const next = isLegacy ? open : route.instead(error);
    if (next) return connectBy(next, config, parts, signal, wrap);
    throw reason;
  }
}

function helloOf({ era, capabilities, serverVersion: version, instructions }: ServerSession): ServerHello {
  return {
    era,
    capabilities,
    ...(version !== undefined && { version }),
    ...(instructions !== undefined && { instructions }),
  };
}

/** Returns a session with the capabilities, version and instructions from the server's recorded greeting. */
function silentSession(
  { transport }: ServerConfig,
  { era, capabilities, version, instructions }: ServerHello,
): ServerSession {
  const nobody = async () => {
    throw new McpError("unavailable", "the transport asked for a connection to the server");
  };
  return {
    era,
    capabilities,
    serverVersion: version,
    instructions,
    listen() {},
    async connect() {},
    request: nobody,
    callTool: nobody,
    async subscribe() {},
    async unsubscribe() {},
    async ping() {},
    untilServerCanAsk: () => undefined,
    objectionTo: (inputSchema) => (era === "modern" && transport !== "stdio" ? objectionTo(inputSchema) : undefined),
  };
}

const silentRoute: RouteEnd = {
  isFatal: () => false,
  explain: asMcpError,
  async close() {},
};

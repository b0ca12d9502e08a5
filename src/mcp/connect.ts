import type { ServerConfig } from "../core/config.js";
import type { Callbacks } from "./callbacks.js";
import { type ConnectionEvents, McpConnection } from "./connection.js";
import { learn, learnFrom, peerOf } from "./eras.js";
import { EndedByProbe } from "./peer.js";
import type { Route } from "./transports/route.js";
import { abortable } from "./wait.js";

/**
 * Connects by the route that `open` begins, and those that it names when the server does not take it. Rejects with McpError;
 * then nothing is left running.
 */
export async function connect(
  config: ServerConfig,
  callbacks: Callbacks,
  events: ConnectionEvents,
  signal: AbortSignal,
  open: () => Promise<Route>,
): Promise<McpConnection> {
  const route = await open();
  try {
    const peer = await abortable(peerOf(config, route, callbacks.capabilities, signal), signal);
    const connection = new McpConnection(config, events, { route, peer, callbacks });
    await abortable(peer.connect(), signal);
    learn(peer.era, config);
    return connection;
  } catch (error) {
    learnFrom(error, config);
    const reason = route.explain(error); // before the close, which makes an end of its own
    await route.close();
    const next = error instanceof EndedByProbe ? open : route.instead(error);
    if (next) return connect(config, callbacks, events, signal, next);
    throw reason;
  }
}

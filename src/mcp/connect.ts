import type { ServerConfig } from "../core/config.js";
import type { Callbacks } from "./callbacks.js";
import { type ConnectionEvents, McpConnection } from "./connection.js";
import { loadSdk } from "./lazy.js";
import type { Route } from "./transports/route.js";
import { abortable } from "./wait.js";

/**
 * Connects by the route that `open` begins, and those that it names when the server does not take it. Rejects with McpError; then nothing is left running.
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
    const { newClient, anyResult } = await loadSdk(); // after the route has started: a server starts meanwhile
    const connection = new McpConnection(config, events, {
      route,
      client: newClient(callbacks.capabilities),
      anyResult,
      callbacks,
    });
    await abortable(connection.initialize(), signal);
    return connection;
  } catch (error) {
    const reason = route.explain(error); // before the close, which makes an end of its own
    await route.close();
    const next = route.instead(error);
    if (next) return connect(config, callbacks, events, signal, next);
    throw reason;
  }
}

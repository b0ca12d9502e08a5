import { createRequire } from "node:module";
import type { ServerConfig } from "../core/config.js";
import { McpError } from "../core/errors.js";
import { type ConnectionEvents, McpConnection } from "./connection.js";
import { routesTo } from "./transports/route.js";
import { abortable, longestTimerMs } from "./wait.js";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/**
 * Connects by the first transport that the server accepts. Rejects with McpError, or with the signal's reason; then nothing is
 * left running. The SDK is loaded here, so that a host without servers does without it.
 */
export async function connect(
  config: ServerConfig,
  events: ConnectionEvents,
  signal: AbortSignal,
): Promise<McpConnection> {
  const routes = routesTo(config);
  for (const [index, open] of routes.entries()) {
    const route = await open();
    try {
      // After the route has started: a server's start and the loading of the SDK overlap.
      const [{ Client }, { record, string, unknown }] = await Promise.all([
        import("@modelcontextprotocol/sdk/client/index.js"),
        import("zod"),
      ]);
      const client = new Client({ name: "mcp-platform", version }, { capabilities: {} });
      const connection = new McpConnection(config, events, { route, client, anyResult: record(string(), unknown()) });
      await abortable(client.connect(route.transport, { timeout: longestTimerMs }), signal);
      return connection;
    } catch (error) {
      await route.close();
      signal.throwIfAborted();
      if (index === routes.length - 1 || !route.refused(error)) throw route.explain(error);
    }
  }
  throw new McpError("unavailable", "there is no way to connect");
}

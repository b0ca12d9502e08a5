import type { ServerConfig } from "../../core/config.js";
import { loadOnce } from "../../core/files/load-once.js";
import type { AuthOptions } from "../auth/authorization.js";
import { loadLegacy } from "../protocol/lazy.js";
import type { ServerRoute } from "../protocol/server-route.js";
import { StdioTransport } from "./stdio-transport.js";

/** Loads the module for routes to remote servers. These routes need the SDK's v1 client too. */
const loadRemote = loadOnce(async () => {
  await loadLegacy();
  return import("./remote.js");
});

const loadProgramRoute = loadOnce(() => import("./program-route.js"));

/**
 * Opens the configured route. For a stdio server, this starts the server's process. `onStderr` is called with each piece of text that the
 * process writes to stderr.
 */
export async function routeTo(
  config: ServerConfig,
  auth?: AuthOptions,
  onStderr?: (text: string) => void,
): Promise<ServerRoute> {
  if (config.transport === "stdio") return stdioRoute(new StdioTransport(config, onStderr));
  if (config.transport === "program") return (await loadProgramRoute()).programRoute(config);
  const { remoteRoute } = await loadRemote();
  return remoteRoute(config, config.transport === "sse" ? "sse" : "http", auth);
}

function stdioRoute(transport: StdioTransport): ServerRoute {
  return {
    transport,
    modern: async () => transport,
    ask: (request, signal) => transport.ask(request, signal),
    instead: () => undefined,
    isFatal: () => false,
    explain: (error) => transport.explain(error),
    close: () => transport.close(),
  };
}

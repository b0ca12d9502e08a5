import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { ServerConfig } from "../../core/config.js";
import type { McpError } from "../../core/errors.js";
import type { AuthOptions } from "../auth/authorization.js";
import { loadRemote } from "../lazy.js";
import { StdioTransport } from "./stdio.js";

/** One way to reach a server: a transport, and what its errors mean. */
export interface Route {
  transport: Transport;
  /** Where the error means that the server does not speak this transport: what to try next. */
  instead(error: unknown): (() => Promise<Route>) | undefined;
  /** Whether the connection is of no use after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  /** Resolves when requests of the server can arrive, or need not be waited for any longer. */
  listening?(): Promise<void>;
  explain(error: unknown): McpError;
  /** Says goodbye where the protocol has a way to, and closes. Never rejects. */
  close(): Promise<void>;
}

/** The way that the configuration names, begun: a server of our own starts here. */
export async function routeTo(config: ServerConfig, auth?: AuthOptions): Promise<Route> {
  if (config.transport === "stdio") return stdioRoute(new StdioTransport(config));
  const { remoteRoute } = await loadRemote();
  return remoteRoute(config, config.transport === "sse" ? "sse" : "http", auth);
}

function stdioRoute(transport: StdioTransport): Route {
  return {
    transport,
    instead: () => undefined,
    isFatal: () => false,
    explain: (error) => transport.explain(error),
    close: () => transport.close(),
  };
}

import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { ServerConfig } from "../../core/config.js";
import type { McpError } from "../../core/errors.js";
import { StdioTransport } from "./stdio.js";

/** One way to reach a server: a transport, and what its errors mean. */
export interface Route {
  transport: Transport;
  /** Whether the server refused this kind of transport, so that the next one may do. */
  refused(error: unknown): boolean;
  /** Whether the connection is of no use after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  explain(error: unknown): McpError;
  /** Says goodbye where the protocol has a way to, and closes. Never rejects. */
  close(): Promise<void>;
}

/** The ways to try, in order; each starts when it is called. */
export function routesTo(config: ServerConfig): (() => Promise<Route>)[] {
  if (config.transport === "stdio") return [async () => stdioRoute(new StdioTransport(config))];
  const kinds = config.transport === "auto" ? (["http", "sse"] as const) : [config.transport];
  return kinds.map((kind) => async () => (await import("./remote.js")).remoteRoute(config, kind));
}

function stdioRoute(transport: StdioTransport): Route {
  return {
    transport,
    refused: () => false,
    isFatal: () => false,
    explain: (error) => transport.explain(error),
    close: () => transport.close(),
  };
}

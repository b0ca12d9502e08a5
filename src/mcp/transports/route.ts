import type { Transport as ModernTransport } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { ServerConfig } from "../../core/config.js";
import type { McpError } from "../../core/errors.js";
import type { AuthOptions } from "../auth/authorization.js";
import type { Json } from "../json.js";
import { loadRemote } from "../lazy.js";
import { StdioTransport } from "./stdio.js";

export type { ModernTransport };

export interface Route {
  transport: Transport;
  /** The transport for protocols from 2026-07-28 on; missing if there is none. */
  modern?(): Promise<ModernTransport>;
  /** Sends one JSON-RPC request before a client exists. Rejects with EndedByProbe, McpError, or the transport's error. */
  ask?(request: JSONRPCRequest, signal: AbortSignal): Promise<Json | undefined>;
  /** Returns the next route to try, if the error means that the server does not speak this transport. */
  instead(error: unknown): (() => Promise<Route>) | undefined;
  /** True if the connection is useless after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  /** Resolves once requests of the server can arrive or the wait for that is over; undefined if that is already so. */
  listening?(): Promise<void> | undefined;
  explain(error: unknown): McpError;
  /** Ends the session, if the protocol can, and closes. Never rejects. */
  close(): Promise<void>;
}

/** Opens the configured route; starts a stdio server. `said` gets what that server writes on stderr. */
export async function routeTo(config: ServerConfig, auth?: AuthOptions, said?: (text: string) => void): Promise<Route> {
  if (config.transport === "stdio") return stdioRoute(new StdioTransport(config, said));
  const { remoteRoute } = await loadRemote();
  return remoteRoute(config, config.transport === "sse" ? "sse" : "http", auth);
}

function stdioRoute(transport: StdioTransport): Route {
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

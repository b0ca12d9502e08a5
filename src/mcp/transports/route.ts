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

/** One way to reach a server: a transport, and what its errors mean. */
export interface Route {
  transport: Transport;
  /** The transport for the protocol from 2026-07-28 on, where there is one. */
  modern?(): Promise<ModernTransport>;
  /** One JSON-RPC request before any client is there. Rejects with EndedByProbe, McpError, or what the wire made of it. */
  ask?(request: JSONRPCRequest, signal: AbortSignal): Promise<Json | undefined>;
  /** Where the error means that the server does not speak this transport: what to try next. */
  instead(error: unknown): (() => Promise<Route>) | undefined;
  /** Whether the connection is of no use after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  /** Resolves when requests of the server can arrive, or need not be waited for any longer; undefined where that is so. */
  listening?(): Promise<void> | undefined;
  explain(error: unknown): McpError;
  /** Says goodbye where the protocol has a way to, and closes. Never rejects. */
  close(): Promise<void>;
}

/** The way that the configuration names, begun: a server of our own starts here. `said` gets what that one writes on stderr. */
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

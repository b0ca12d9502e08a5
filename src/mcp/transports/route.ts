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
  /** Resolves with the transport for protocols from 2026-07-28 on. Undefined if the route has no such transport. */
  modern?(): Promise<ModernTransport>;
  /**
   * Sends one JSON-RPC request before a client exists, and resolves with the answer. Rejects with EndedByProbe, McpError, or the
   * transport's error.
   */
  ask?(request: JSONRPCRequest, signal: AbortSignal): Promise<Json | undefined>;
  /**
   * Returns a function that opens the next route to try, if the error means that the server does not speak this transport. Otherwise
   * returns undefined.
   */
  instead(error: unknown): (() => Promise<Route>) | undefined;
  /** Returns true if the connection is useless after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  /**
   * Returns a promise that resolves once the server can send requests to this host, or once the wait for that is over. Returns undefined if
   * no wait is needed.
   */
  listening?(): Promise<void> | undefined;
  explain(error: unknown): McpError;
  /**
   * Resolves once somebody has logged in at the server, however early after the server has refused. Rejects when the signal aborts. Missing
   * if the route needs no login.
   */
  loggedIn?(signal: AbortSignal): Promise<void>;
  /** Ends the session if the protocol has sessions, and closes the connection. Never rejects. */
  close(): Promise<void>;
}

/** Opens the configured route. For a stdio server, this starts the server; `said` is called with each text that it writes to stderr. */
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

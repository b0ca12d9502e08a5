import type { Transport as ModernTransport } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";

export type { ModernTransport };

/** A route to one server: a transport, with the functions that a session needs to speak MCP over it. */
export interface ServerRoute {
  transport: Transport;
  /** Resolves with the transport for protocols from 2026-07-28 on. The method is undefined if the route has no such transport. */
  modern?(): Promise<ModernTransport>;
  /**
   * Sends one JSON-RPC request before an SDK client uses the route, and resolves with the answer. Rejects with EndedByProbe if the server
   * exits, with McpError, or with the transport's error.
   */
  ask?(request: JSONRPCRequest, signal: AbortSignal): Promise<JsonObject | undefined>;
  /**
   * Returns a function that opens another route, if the error means that the server does not speak this transport. Returns undefined for
   * other errors, or if there is no other route.
   */
  instead(error: unknown): (() => Promise<ServerRoute>) | undefined;
  /** Returns true if the connection is useless after this error, although the transport has not closed. */
  isFatal(error: Error): boolean;
  /**
   * Returns true if the server accepts no requests until somebody logs in. The connection then ends too, but only after the tool calls that the
   * server had accepted before.
   */
  needsLogin?(error: Error): boolean;
  /**
   * Returns a promise that resolves as soon as the server can send requests to this host, or after a time limit. Returns undefined if no
   * wait is needed.
   */
  listening?(): Promise<void> | undefined;
  explain(error: unknown): McpError;
  /**
   * Resolves once somebody has logged in at the server. Also resolves if the login came before this call but after the server's refusal.
   * Rejects when the signal aborts. The method is undefined if the route needs no login.
   */
  loggedIn?(signal: AbortSignal): Promise<void>;
  /** Ends the session if the protocol has sessions, and closes the connection. Never rejects. */
  close(): Promise<void>;
}

/** The methods of a route that a connection still needs after its session has connected. */
export type RouteEnd = Pick<ServerRoute, "isFatal" | "needsLogin" | "explain" | "close">;

import type { Transport as ModernTransport } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import type { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";

export type { ModernTransport };

/** The way to one server, as the peers see it. A transport implements it. */
export interface ServerRoute {
  transport: Transport;
  /** Resolves with the transport for protocols from 2026-07-28 on. Undefined if the route has no such transport. */
  modern?(): Promise<ModernTransport>;
  /**
   * Sends one JSON-RPC request before a client exists, and resolves with the answer. Rejects with EndedByProbe, McpError, or the
   * transport's error.
   */
  ask?(request: JSONRPCRequest, signal: AbortSignal): Promise<JsonObject | undefined>;
  /**
   * Returns a function that opens the next route to try, if the error means that the server does not speak this transport. Otherwise
   * returns undefined.
   */
  instead(error: unknown): (() => Promise<ServerRoute>) | undefined;
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

/** The parts of a route that a connection needs once its peer is connected. */
export type RouteEnd = Pick<ServerRoute, "isFatal" | "explain" | "close">;

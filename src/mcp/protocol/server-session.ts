/** The server at the other end of a connection. The interface is the same for all protocol eras. */

import type { ServerCapabilities } from "@modelcontextprotocol/sdk/types.js";
import type { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import type { ToolProgress } from "../../core/ports.js";
import type { AskServer } from "../lists/listing.js";
import type { RequestLimits } from "./request-limits.js";

/**
 * `legacy` means protocols up to 2025-11-25, with an `initialize` request. `modern` means protocols from 2026-07-28 on, which are
 * stateless.
 */
export type Era = "legacy" | "modern";

/** The request of this host to which a request of the server belongs. */
export interface RequestOrigin {
  /** Limits of this host's request. Undefined if that request has none, or has been answered. */
  limits: RequestLimits | undefined;
}

export interface ServerSessionEvents {
  /** Called when the connection has been closed, or is open but useless. In the second case `reason` says why it is useless. */
  closed(reason?: McpError): void;
  failed(error: Error): void;
  notified(method: string, params: JsonObject): void;
  /** Answers a request of the server. `origin` is undefined if the connection does not show it. Rejects with RpcRefusal. */
  answer(method: string, params: JsonObject, signal: AbortSignal, origin?: RequestOrigin): Promise<JsonObject>;
}

export interface RequestOptions {
  limits?: RequestLimits;
  /** Called with each progress message of the request. If undefined, the request does not ask the server for progress. */
  onProgress?: (progress: ToolProgress) => void;
  inputSchema?: JsonSchema;
}

export interface ToolRun {
  /** Sends a request within the limits of the call. */
  ask: AskServer;
  /** Sends a request without the limits of the call. Used to cancel a task. */
  send: AskServer;
  limits: RequestLimits;
  /** Passes on progress of the call. Also restarts the timeout for a silent server. */
  onProgress: (progress: ToolProgress) => void;
  isTask: boolean;
  inputSchema: JsonSchema;
}

export interface ServerSession {
  readonly era: Era;
  /** Sets the listeners. Must be called exactly once, before `connect`. */
  listen(events: ServerSessionEvents): void;
  /** Connects to the server. Must be called before any request. Has no timeout: the caller must limit the time. */
  connect(): Promise<void>;
  readonly capabilities: ServerCapabilities;
  readonly serverVersion: string | undefined;
  readonly instructions: string | undefined;
  /** Sends a request and resolves with its result. Rejects with RpcError if the server answers with an error. */
  request(method: string, params: JsonObject, options?: RequestOptions): Promise<JsonObject>;
  /** Resolves with the result of `tools/call`, even if the server runs the call as a task. Rejects with RpcError or McpError. */
  callTool(params: JsonObject, run: ToolRun): Promise<JsonObject>;
  subscribe(uri: string, limits: RequestLimits): Promise<void>;
  unsubscribe(uri: string, limits: RequestLimits): Promise<void>;
  /** Asks the server whether it is alive. Any answer, even an error, proves that the server is alive. */
  ping(limits: RequestLimits): Promise<void>;
  /**
   * Returns a promise that resolves as soon as the server can send requests to this host, or after a time limit. Returns undefined if no
   * wait is needed.
   */
  untilServerCanAsk(): Promise<void> | undefined;
  /** Returns the reason why a tool with these parameters must not be offered. Returns undefined if it may be offered. */
  objectionTo(inputSchema: JsonSchema): string | undefined;
}

/**
 * The error for a server that exits when it is probed, as some legacy servers do. The server is then started again and not probed again.
 */
export class EndedByProbe extends Error {}

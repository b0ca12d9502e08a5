/** The server at the other end of a connection, behind one interface for all protocol eras. */

import type { ServerCapabilities } from "@modelcontextprotocol/sdk/types.js";
import { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { JsonSchema } from "../../core/messages.js";
import type { ToolProgress } from "../../core/ports.js";
import type { Ask } from "../lists/listing.js";
import type { Ending } from "./request-limits.js";

/** `legacy`: protocols up to 2025-11-25, with initialize. `modern`: protocols from 2026-07-28 on, stateless. */
export type Era = "legacy" | "modern";

export interface PeerEvents {
  /** Called when the connection was closed, or when it is useless although nothing closed it. `reason` says why it is useless. */
  closed(reason?: McpError): void;
  failed(error: Error): void;
  notified(method: string, params: JsonObject): void;
  /** Answers a request of the server. Rejects with RpcRefusal. */
  answer(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

export interface RequestOptions {
  ending?: Ending;
  /** Called with each progress message of the request. If undefined, the server is not asked to report progress. */
  onProgress?: (progress: ToolProgress) => void;
  inputSchema?: JsonSchema;
}

export interface ToolRun {
  /** Sends a request within the limits of the call. */
  ask: Ask;
  /** Sends a request to which the limits of the call do not apply. Used to cancel a task. */
  send: Ask;
  ending: Ending;
  /** Reports progress of the call, and restarts the time that the server may stay silent. */
  onProgress: (progress: ToolProgress) => void;
  isTask: boolean;
  inputSchema: JsonSchema;
}

export interface Peer {
  readonly era: Era;
  /** Sets the listeners. Must be called exactly once, before `connect`. */
  listen(events: PeerEvents): void;
  /** Connects to the server. Must be called before any request. The caller limits the time that this may take. */
  connect(): Promise<void>;
  readonly capabilities: ServerCapabilities;
  readonly serverVersion: string | undefined;
  readonly instructions: string | undefined;
  /** Sends a request and resolves with its result. Rejects with RpcError if the server answered with an error. */
  request(method: string, params: JsonObject, options?: RequestOptions): Promise<JsonObject>;
  /** Resolves with the result of `tools/call`, even if the server runs the call as a task. Rejects like `request`, or with McpError. */
  callTool(params: JsonObject, run: ToolRun): Promise<JsonObject>;
  subscribe(uri: string): Promise<void>;
  /** Asks the server whether it is alive. Any answer means that it is, even an error. */
  ping(ending: Ending): Promise<void>;
  /**
   * Returns a promise that resolves once the server can send requests to this host, or once the wait for that is over. Returns undefined if
   * no wait is needed.
   */
  canBeAsked(): Promise<void> | undefined;
  /** Returns why a tool with these parameters must not be offered; undefined if it may be offered. */
  objectionTo(inputSchema: JsonSchema): string | undefined;
}

export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/** Error that a transport delivers if the server's answer broke off. */
export const lostAnswer = {
  code: -32000,
  message: "the server ended the stream before it answered, so the outcome is unknown",
};

/** Error for a server that exited when it was probed, as some legacy servers do. The server is then started again and not probed again. */
export class EndedByProbe extends Error {}

/** Error for a request that the server refused as a whole. The server did nothing, so the request may be sent again. */
export class NotTaken extends McpError {}

/** The other end of a connection, in any protocol era, as the rest of this folder sees it. */
import type { ServerCapabilities } from "@modelcontextprotocol/sdk/types.js";
import type { JsonSchema } from "../core/chat.js";
import { McpError } from "../core/errors.js";
import type { ToolProgress } from "../core/ports.js";
import type { Json } from "./json.js";
import type { Ending } from "./limits.js";
import type { Ask } from "./listing.js";

/** `legacy`: up to 2025-11-25, with initialize. `modern`: from 2026-07-28 on, stateless. */
export type Era = "legacy" | "modern";

export interface PeerEvents {
  /** `reason` is set if the connection is useless although nothing has closed it. */
  closed(reason?: McpError): void;
  failed(error: Error): void;
  notified(method: string, params: Json): void;
  /** Answers a request of the server. Rejects with Refusal. */
  answer(method: string, params: Json, signal: AbortSignal): Promise<Json>;
}

export interface RequestOptions {
  ending?: Ending;
  /** Without it, the server is not asked for progress. */
  onProgress?: (progress: ToolProgress) => void;
  inputSchema?: JsonSchema;
}

export interface ToolRun {
  /** Sends a request within the limits of the call. */
  ask: Ask;
  /** Sends one outside of the limits, for the cancellation. */
  send: Ask;
  ending: Ending;
  /** Restarts the call's silence limit. */
  onProgress: (progress: ToolProgress) => void;
  isTask: boolean;
  inputSchema: JsonSchema;
}

export interface Peer {
  readonly era: Era;
  /** Called once, before `connect`. */
  listen(events: PeerEvents): void;
  /** Called before any request. The caller limits its time. */
  connect(): Promise<void>;
  readonly capabilities: ServerCapabilities;
  readonly serverVersion: string | undefined;
  readonly instructions: string | undefined;
  /** Rejects with RpcError if the server answered with an error. */
  request(method: string, params: Json, options?: RequestOptions): Promise<Json>;
  /** Resolves with the result of `tools/call`, also if the server makes it a task. Rejects like `request`, and with McpError. */
  callTool(params: Json, run: ToolRun): Promise<Json>;
  subscribe(uri: string): Promise<void>;
  /** Any answer, even an error, means that the server is alive. */
  ping(ending: Ending): Promise<void>;
  /** Resolves once requests of the server can arrive or the wait for that is over; undefined if that is already so. */
  canBeAsked(): Promise<void> | undefined;
  /** Returns why a tool with these parameters must not be offered. */
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

/** The server exited at the first question, as some legacy ones do: it is started again, and not probed again. */
export class EndedByProbe extends Error {}

/** The server refused the request as a whole: it did nothing, so the request may be sent again. */
export class NotTaken extends McpError {}

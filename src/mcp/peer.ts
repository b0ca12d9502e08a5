/** The other end of a connection, of whatever era of the protocol, as the rest of this folder knows it. */
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
  /** `reason` where the connection is of no use any more although nothing has closed it. */
  closed(reason?: McpError): void;
  failed(error: Error): void;
  notified(method: string, params: Json): void;
  /** The answer to a request of the server. Rejects with Refusal. */
  answer(method: string, params: Json, signal: AbortSignal): Promise<Json>;
}

export interface RequestOptions {
  ending?: Ending;
  /** Left out, the server is not asked for progress. */
  onProgress?: (progress: ToolProgress) => void;
  /** Of the tool that is called. */
  inputSchema?: JsonSchema;
}

/** A call of a tool that has begun: what it may send, and under which limits. */
export interface ToolRun {
  /** Within the limits of the call. */
  ask: Ask;
  /** Outside of them, for the cancellation. */
  send: Ask;
  ending: Ending;
  /** A sign of life: the call's clock of silence begins anew. */
  onProgress: (progress: ToolProgress) => void;
  /** The tool says that it can, or must, be run as a task. */
  isTask: boolean;
  inputSchema: JsonSchema;
}

export interface Peer {
  readonly era: Era;
  /** Before `connect`, and once. */
  listen(events: PeerEvents): void;
  /** Before anything is requested. The caller limits its time. */
  connect(): Promise<void>;
  readonly capabilities: ServerCapabilities;
  readonly serverVersion: string | undefined;
  /** How its tools are meant to be used, in the server's words, for the model. */
  readonly instructions: string | undefined;
  /** Rejects with RpcError where the server answered with one. */
  request(method: string, params: Json, options?: RequestOptions): Promise<Json>;
  /** The result of `tools/call`, waited for where the server makes a task of it. Rejects as `request`, and with McpError. */
  callTool(params: Json, run: ToolRun): Promise<Json>;
  /** Asks to be told when the resource changes. */
  subscribe(uri: string): Promise<void>;
  /** Any answer means that the server is alive. */
  ping(ending: Ending): Promise<void>;
  /** Resolves when requests of the server can arrive, or need not be waited for any longer; undefined where that is so. */
  canBeAsked(): Promise<void> | undefined;
  /** Why a tool with these parameters must not be offered. */
  objectionTo(inputSchema: JsonSchema): string | undefined;
}

/** An error that the server answered with. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/** What a transport answers in place of a server whose answer broke off. */
export const lostAnswer = {
  code: -32000,
  message: "the server ended the stream before it answered, so the outcome is unknown",
};

/** The server ended over the first question, as some legacy ones do: it is to be started again, and is not asked again. */
export class EndedByProbe extends Error {}

/** The server has refused the request as a whole: nothing was done, and it may be sent again. */
export class NotTaken extends McpError {}

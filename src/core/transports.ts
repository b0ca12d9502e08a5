/**
 * Ports through which requests reach models and servers. By default, the host uses HTTP and the servers' own connections. Another transport
 * may record them, or answer in their place.
 */
import type { McpErrorKind } from "./errors.js";

/** One attempt of a model request, before it is sent. */
export interface ModelExchange {
  provider: string;
  model: string;
  /** Path of the URL, without host and query. */
  path: string;
  /** JSON text of the request. */
  body: string;
  signal: AbortSignal;
}

/** A provider's answer as it arrives, unprocessed. */
export interface ModelAnswer {
  status: number;
  /** Headers of the answer. Their names are in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AsyncIterable<Uint8Array>;
}

/** Facts that a server stated when the host connected to it. */
export interface ServerHello {
  era: "legacy" | "modern";
  capabilities: Readonly<Record<string, unknown>>;
  version?: string;
  instructions?: string;
}

/** A request to a server, with method and parameters as in JSON-RPC. If a tool runs as a task, the whole task is one `tools/call`. */
export interface ServerExchange {
  server: string;
  method: string;
  params: Readonly<Record<string, unknown>>;
  /** Aborted when the answer is no longer awaited. */
  signal: AbortSignal;
}

/** Outcome of a request to a server: its result, its JSON-RPC error, or the reason why neither arrived. */
export type ServerAnswer =
  | { result: Record<string, unknown> }
  | { error: { code: number; message: string; data?: unknown } }
  | { failure: ServerFailure };

export interface ServerFailure {
  kind: McpErrorKind;
  message: string;
  retryable?: boolean;
  hint?: string;
  /** True if the server did not accept the request, so that the request had no effect. */
  notTaken?: boolean;
  /** True if no readable answer arrived, so that the server may have carried the request out. */
  outcomeUnknown?: boolean;
}

/** Receives everything that a server sends besides answers, whether or not a request is running. */
export interface ServerLife {
  progress(progress: { progress: number; total?: number; message?: string }): void;
  notified(method: string, params: Record<string, unknown>): void;
  /** Passes a server's question to the host. Resolves with the host's answer. */
  ask(method: string, params: Record<string, unknown>, signal: AbortSignal): Promise<HostAnswer>;
  closed(reason: string): void;
}

export type HostAnswer = { result: Record<string, unknown> } | { error: { code: number; message: string } };

export interface ModelTransport {
  /** Sends an attempt, for which `send` uses HTTP. Rejects as a real connection does, that is, with an error that has a `code`. */
  model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer>;
}

/** Carries requests to servers. The functions `connect` and `send` use the server's own connection. */
export interface ServerTransport {
  /** True if it never uses the servers' own connections. The host then leaves out the pauses that spare processes and networks. */
  readonly isInstant: boolean;
  /** Connects to a server. Rejects with McpError. */
  hello(server: string, life: ServerLife, connect: (life: ServerLife) => Promise<ServerHello>): Promise<ServerHello>;
  /** Sends a request to a server. Rejects if it was aborted before there was an answer. */
  server(
    exchange: ServerExchange,
    life: ServerLife,
    send: (life: ServerLife) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer>;
}

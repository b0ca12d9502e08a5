/**
 * Port between the host and its connections to models and servers: for a cassette that records or plays them, or a model that follows a
 * script.
 */
import type { McpErrorKind } from "./errors.js";

/** An attempt of a model request, about to be sent. */
export interface ModelExchange {
  provider: string;
  model: string;
  /** Path of the URL, without host and query. */
  path: string;
  /** JSON text of the request. */
  body: string;
  signal: AbortSignal;
}

/** A provider's answer, unprocessed. */
export interface ModelAnswer {
  status: number;
  /** Names are in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AsyncIterable<Uint8Array>;
}

/** The model to use if `llm.active` is unset. */
export interface ModelChoice {
  provider: string;
  /** Set if the configuration names no model. */
  model?: string;
}

/** Facts that a server reported when it was connected. */
export interface ServerHello {
  era: "legacy" | "modern";
  capabilities: Readonly<Record<string, unknown>>;
  version?: string;
  instructions?: string;
}

/** A request to a server, as in JSON-RPC; a tool that runs as a task is one `tools/call`. */
export interface ServerExchange {
  server: string;
  method: string;
  params: Readonly<Record<string, unknown>>;
  /** Aborts when nobody waits for the answer any longer. */
  signal: AbortSignal;
}

/** Outcome of a request to a server: its result, its JSON-RPC error, or why there is neither. */
export type ServerAnswer =
  | { result: Record<string, unknown> }
  | { error: { code: number; message: string; data?: unknown } }
  | { failure: ServerFailure };

export interface ServerFailure {
  kind: McpErrorKind;
  message: string;
  retryable?: boolean;
  hint?: string;
  /** True if the server did not accept the request: nothing was done. */
  notTaken?: boolean;
}

/** Receives everything that a server sends besides answers, during a request or between requests. */
export interface ServerLife {
  progress(progress: { progress: number; total?: number; message?: string }): void;
  notified(method: string, params: Record<string, unknown>): void;
  /** Passes a server's question to the host. Resolves to the host's answer. */
  ask(method: string, params: Record<string, unknown>, signal: AbortSignal): Promise<HostAnswer>;
  closed(reason: string): void;
}

export type HostAnswer = { result: Record<string, unknown> } | { error: { code: number; message: string } };

/**
 * Records or plays exchanges. Methods that ask a model or a server get a function that uses the real connection; a tape that plays does not
 * call it. If no recording answers a request, the method rejects with LlmError or McpError of kind `cassette`.
 */
export interface Tape {
  /** True where the tape answers requests without keys, servers or network. */
  readonly plays: { readonly models: boolean; readonly servers: boolean };
  /**
   * Returns the request path of the recorded answers for this provider: requests are then built for that API. Undefined: the configured API
   * is used.
   */
  pathFor?(provider: string): string | undefined;
  /** Registers values that must not be recorded. */
  conceal(secrets: readonly string[]): void;
  /** Chooses the model. Called only if `llm.active` is unset. */
  choose(choose: () => Promise<ModelChoice>): Promise<ModelChoice>;
  /** Sends an attempt to a model. Rejects as a real connection does, with an error that has a `code`. */
  model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer>;
  /** Connects to a server. Rejects with McpError. */
  hello(server: string, life: ServerLife, connect: (life: ServerLife) => Promise<ServerHello>): Promise<ServerHello>;
  /** Sends a request to a server. Rejects if it was aborted before there was an answer. */
  server(
    exchange: ServerExchange,
    life: ServerLife,
    send: (life: ServerLife) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer>;
}

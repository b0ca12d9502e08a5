/**
 * Port between the host and its connections to models and servers. With this port, a cassette (a file of recorded traffic) can record or
 * play the connections, and a scripted model can answer.
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

/** The model of requests that name none. */
export interface ModelChoice {
  provider: string;
  /** Undefined for the model that the configuration names for the provider. */
  model?: string | undefined;
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

/**
 * Records or plays exchanges, which are requests with their answers. The methods that send something get a function that uses the real
 * connection; a tape that plays does not call this function. If there is no recorded answer to a request, the method rejects with LlmError
 * or McpError of kind `cassette`.
 */
export interface Tape {
  /**
   * `models`: true if the tape answers model requests. `servers`: true if it answers requests to servers. Keys, servers and the network are
   * then not needed.
   */
  readonly plays: { readonly models: boolean; readonly servers: boolean };
  /**
   * Returns the URL path of the requests to which the tape has this provider's answers. The host then builds its requests for the API with
   * this path. If undefined, the configured API is used.
   */
  pathFor?(provider: string): string | undefined;
  /** Registers secrets that must not appear in the recording. */
  conceal(secrets: readonly string[]): void;
  /**
   * Chooses the model. Called only if `llm.active` is unset. Resolves with undefined if the tape does not know the model; then every request
   * must name one, with its provider.
   */
  choose(choose: () => Promise<ModelChoice>): Promise<ModelChoice | undefined>;
  /** Receives the model that is in effect, whether it was chosen or configured. A tape that records keeps it for `choose`. */
  inEffect?(choice: ModelChoice): void;
  /** Sends an attempt to a model. Rejects as a real connection does, that is, with an error that has a `code`. */
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

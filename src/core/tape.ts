/** What may stand between the host and its wires: a cassette that records or plays them, a model that follows a script. */
import type { McpErrorKind } from "./errors.js";

/** One attempt of a model request, as it is about to leave. */
export interface ModelExchange {
  provider: string;
  model: string;
  /** Of the URL, without host and query. */
  path: string;
  /** JSON. */
  body: string;
  signal: AbortSignal;
}

/** What a provider answers, before anything is made of it. */
export interface ModelAnswer {
  status: number;
  /** In lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: AsyncIterable<Uint8Array>;
}

/** What an unset `llm.active` stands for. */
export interface ModelChoice {
  provider: string;
  /** Where the configuration names none. */
  model?: string;
}

/** What a server said of itself when it was connected. */
export interface ServerHello {
  era: "legacy" | "modern";
  capabilities: Readonly<Record<string, unknown>>;
  version?: string;
  instructions?: string;
}

/** One request to a server. Everything is as JSON-RPC has it; a tool that runs as a task is one `tools/call`. */
export interface ServerExchange {
  server: string;
  method: string;
  params: Readonly<Record<string, unknown>>;
  /** Aborts when nobody waits for the answer any more. */
  signal: AbortSignal;
}

/** How a request to a server ended: its result, its JSON-RPC error, or why there is neither. */
export type ServerAnswer =
  | { result: Record<string, unknown> }
  | { error: { code: number; message: string; data?: unknown } }
  | { failure: ServerFailure };

export interface ServerFailure {
  kind: McpErrorKind;
  message: string;
  retryable?: boolean;
  hint?: string;
  /** The server did not take the request: nothing was done. */
  notTaken?: boolean;
}

/** What a server does beside answering: within a request, or between them. */
export interface ServerLife {
  progress(progress: { progress: number; total?: number; message?: string }): void;
  notified(method: string, params: Record<string, unknown>): void;
  /** The host's answer to the server's question. */
  ask(method: string, params: Record<string, unknown>, signal: AbortSignal): Promise<HostAnswer>;
  /** It is gone. */
  closed(reason: string): void;
}

export type HostAnswer = { result: Record<string, unknown> } | { error: { code: number; message: string } };

/**
 * Every method but `conceal` gets the way over the real wire; one that plays leaves it alone. A request that nothing recorded answers
 * rejects with LlmError or McpError of the kind `cassette`.
 */
export interface Tape {
  /** What it answers alone: no key, no server and no network is needed for that. */
  readonly plays: { readonly models: boolean; readonly servers: boolean };
  /** Path of the requests to the provider that it has answers for: they are made as that API wants them. Undefined: as configured. */
  pathFor?(provider: string): string | undefined;
  /** Values that must not be kept. */
  conceal(secrets: readonly string[]): void;
  /** Asked only where `llm.active` is unset. */
  choose(choose: () => Promise<ModelChoice>): Promise<ModelChoice>;
  /** Rejects as the wire does, with an error that has a `code`. */
  model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer>;
  /** A link to a server, which lives from now on. Rejects with McpError. */
  hello(server: string, life: ServerLife, connect: (life: ServerLife) => Promise<ServerHello>): Promise<ServerHello>;
  /** Rejects where there was no answer because nobody waited for it any more. */
  server(
    exchange: ServerExchange,
    life: ServerLife,
    send: (life: ServerLife) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer>;
}

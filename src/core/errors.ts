import type { ErrorInfo } from "./events.js";
import type { KeptParts, LostAnswer } from "./messages.js";

/**
 * Base class of this host's errors. There is a subclass for each boundary (configuration, providers, servers, event log, callers, scripts),
 * each with a literal `kind`. Message and cause never contain a secret.
 */
abstract class HostError<Kind extends string = string> extends Error {
  readonly retryable: boolean;
  readonly hint: string;
  readonly retryAfterMs?: number;

  constructor(
    readonly kind: Kind,
    message: string,
    { retryable = false, hint = "", retryAfterMs, cause }: ErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.retryable = retryable;
    this.hint = hint;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
  }
}

interface ErrorDetails {
  retryable?: boolean;
  /** Advice for the user, as a sentence. */
  hint?: string;
  retryAfterMs?: number;
  cause?: unknown;
}

/** A mistake in a configuration, with its position. `line` and `column` count from 1; they are 0 if the configuration has no text. */
export interface ConfigProblem {
  file: string;
  line: number;
  column: number;
  /** Dotted key path, such as `mcpServers.fs.command`. */
  path: string;
  message: string;
}

export class ConfigError extends HostError<"config"> {
  constructor(readonly problems: readonly ConfigProblem[]) {
    super("config", problems.map(formatProblem).join("\n"));
  }
}

export function byPosition(one: ConfigProblem, other: ConfigProblem): number {
  return one.file.localeCompare(other.file) || one.line - other.line || one.column - other.column;
}

/** Formats the problem, for example as `config.yaml:5:5 mcpServers.fs.comand: unknown key "comand" (did you mean "command"?)`. */
function formatProblem({ file, line, column, path, message }: ConfigProblem): string {
  const position = line > 0 ? `${file}:${line}:${column}` : file;
  return `${path ? `${position} ${path}` : position}: ${message}`;
}

export type LlmErrorKind =
  | "rate_limit"
  | "overloaded"
  | "server"
  | "connect"
  | "connect_timeout"
  | "network"
  | "timeout"
  | "ttft_timeout"
  | "idle_timeout"
  | "queue_timeout"
  | "total_timeout"
  | "empty_stream"
  | "stream_interrupted"
  | "quota"
  | "auth"
  | "model_gone"
  | "bad_request"
  | "tool_generation_failed"
  | "output"
  | "context_length"
  | "content_filter"
  | "html"
  | "redirect"
  | "protocol"
  | "cassette"
  | "scripted"
  | "aborted";

/**
 * Failures after which the same request may succeed later. After any other failure, the request, key or configuration must change first.
 */
export const passingKinds: ReadonlySet<LlmErrorKind> = new Set([
  "rate_limit",
  "overloaded",
  "server",
  "connect",
  "connect_timeout",
  "network",
  "timeout",
  "ttft_timeout",
  "idle_timeout",
  "queue_timeout",
  "total_timeout",
  "empty_stream",
  "stream_interrupted",
]);

/**
 * Failures of requests to a model that pass, or that a person can fix: with another key, credit, model or setting. `retryable` is narrower: a host
 * or client may then repeat the request without a person. Other failures are final: the filter stops the
 * same text again, and after `output` the turn has its last answer, in the wrong form, and would end with it.
 */
const fixable: ReadonlySet<string> = new Set<LlmErrorKind>([
  ...passingKinds,
  "quota",
  "auth",
  "model_gone",
  "bad_request",
  "tool_generation_failed",
  "context_length",
  "html",
  "redirect",
  "protocol",
]);

/** Returns true if a turn with this failure may succeed when its request is repeated. */
export function maySucceed({ kind, retryable }: { kind: string; retryable: boolean }): boolean {
  return retryable || fixable.has(kind);
}

export interface LlmErrorDetails extends ErrorDetails {
  provider?: string;
  model?: string;
  status?: number;
  attempts?: number;
  /** The provider's own id of the failed request. The provider's support may ask for it. */
  requestId?: string;
}

/** A failed request to a provider. It holds allow-listed facts only, and never an AxiosError, a header or the prompt. */
export class LlmError extends HostError<LlmErrorKind> {
  readonly provider?: string;
  readonly model?: string;
  readonly status?: number;
  readonly attempts?: number;
  readonly requestId?: string;
  /** All answers that broke off after they had begun, including the last one. */
  lost?: readonly LostAnswer[];
  /** Parts of an answer that broke off. A later request must send them back to the provider together with the shown text of that answer. */
  kept?: KeptParts;

  constructor(kind: LlmErrorKind, message: string, details: LlmErrorDetails = {}) {
    super(kind, message, details);
    this.provider = details.provider;
    this.model = details.model;
    this.status = details.status;
    this.attempts = details.attempts;
    this.requestId = details.requestId;
  }
}

/** `cassette`: recorded traffic is replayed, and it contains no answer to this request. */
export type McpErrorKind = "unavailable" | "needs_auth" | "protocol" | "not_found" | "timeout" | "cassette";

/** Thrown if a server was unreachable or violated the protocol. A tool that reports a failure is not an error but a result. */
export class McpError extends HostError<McpErrorKind> {}

/** The JSON-RPC error with which a server answered a request. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/** `fenced`: another host owns the turn, so this host must not write to it. */
export type StoreErrorKind = "open" | "locked" | "full" | "corrupt" | "newer_schema" | "write" | "fenced";

export class StoreError extends HostError<StoreErrorKind> {}

export type RequestErrorKind =
  | "usage"
  | "request_mismatch"
  | "required_server_down"
  | "shutting_down"
  | "crashed"
  | "busy"
  | "overloaded"
  | "cancelled"
  | "exists"
  | "not_found";

export class RequestError extends HostError<RequestErrorKind> {}

export function conversationDeleted(conversationId: string): RequestError {
  return new RequestError("not_found", `the conversation ${conversationId} was deleted`);
}

/** A turn that gave no whole answer. `kind` is that of its `turn_error` event, or its stop reason. */
export class TurnError extends HostError {}

export type ScriptErrorKind =
  | "template"
  | "condition"
  | "answer"
  | "save"
  | "output"
  | "repeat"
  | "limit"
  | "tool_error"
  | "not_found"
  | "cassette"
  | "scripted"
  | "aborted";

/** A step of a scripted session that failed, or that differs from the script. */
export class ScriptError extends HostError<ScriptErrorKind> {}

/** Converts any thrown value to the form in which errors are stored in events and sent to clients. */
export function errorInfo(error: unknown): ErrorInfo {
  if (!(error instanceof HostError)) {
    return { kind: "unexpected", message: messageOf(error), retryable: false, hint: "" };
  }
  const { kind, retryable, hint, retryAfterMs } = error;
  const [attempts, facts] = error instanceof LlmError ? [error.attempts, requestFacts(error)] : [undefined, ""];
  return {
    kind,
    message: error.message + facts,
    retryable,
    hint,
    ...(attempts ? { attempts } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Formats facts about the failed requests for debugging. */
function requestFacts({ attempts = 0, requestId }: LlmError): string {
  const facts = [attempts > 1 && `${attempts} requests`, requestId && `request id ${requestId}`].filter(Boolean);
  return facts.length > 0 ? ` (${facts.join(", ")})` : "";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Failures of a call, in the form of OpenAI's API. Clients decide by status, code and headers whether to retry the call. */
import type { ErrorInfo } from "../../../core/events.js";

export interface ApiFailureInfo {
  status: number;
  code: string;
  message: string;
  headers: Record<string, string>;
  /** True if a retry may succeed and would run nothing twice. */
  mayRetry: boolean;
}

interface FailureFacts {
  /** True if the call has no request id and has already run tools. A retry would run these tools again. */
  ranTools?: boolean;
}

export function apiFailureOf(error: ErrorInfo, { ranTools = false }: FailureFacts = {}): ApiFailureInfo {
  const { retryable, retryAfterMs } = error;
  const { status, code } = wordsFor(error, ranTools);
  const mayRetry = retryable && !ranTools;
  const message = [
    ranTools ? inOwnWords(error) : error.hint ? `${error.message} (${error.hint})` : error.message,
    ...(code === "context_length_exceeded" ? ["The request exceeds the context window of the model."] : []),
    ...(ranTools ? [runAgain] : []),
    // A turn that a limit has ended is over: the same id gets the same error.
    ...(ranTools && error.kind !== "limit" ? [continues] : []),
    ...(mayRetry && retryAfterMs !== undefined ? [`Please try again in ${retryAfterMs / 1000}s.`] : []),
  ].join(" ");
  const waitMs = retryAfterMs ?? (status === 503 ? 1000 : undefined);
  return {
    status,
    code,
    message,
    headers: { "x-should-retry": String(mayRetry), ...(mayRetry && waitMs !== undefined ? waitHeaders(waitMs) : {}) },
    mayRetry,
  };
}

/** Codes that a failed response passes on unchanged, since clients act on them. Other codes are replaced by codes that the API lists. */
const codesOfResponses = new Set([
  "context_length_exceeded",
  "insufficient_quota",
  "rate_limit_exceeded",
  "server_is_overloaded",
]);

/**
 * Returns the error of a failed response. Clients retry after a code that they do not know. The code `invalid_prompt` stops clients from
 * retrying.
 */
export function responseError({ code, message, mayRetry }: ApiFailureInfo): { code: string; message: string } {
  if (codesOfResponses.has(code)) return { code, message };
  return { code: mayRetry ? "server_error" : "invalid_prompt", message };
}

const toolsHaveRun = "tools_have_run";
const runAgain = "Tools have run in this call, and a repetition would run them again.";
const continues = "A call that has an X-Request-Id from the first attempt on continues where it stopped.";

/** Describes the error without quoting the provider: the text must contain no word by which a client retries (`http/clients.ts`). */
function inOwnWords({ kind }: ErrorInfo): string {
  return `${causes[kind] ?? "The call failed."} The event log of the host has the details.`;
}

const causes: Readonly<Record<string, string>> = {
  auth: "The provider did not accept the key of the host.",
  bad_request: "The provider did not accept the request.",
  cancelled: "The turn was cancelled.",
  content_filter: "The provider's content filter stopped the answer.",
  limit: "A limit of the host stopped the turn.",
  model_gone: "The provider no longer has the model.",
  quota: "The provider's quota is used up.",
  rate_limit: "The provider accepts no more requests for now.",
  shutting_down: "The host is shutting down.",
  stream_interrupted: "The answer broke off.",
};

/**
 * Returns the status and the code of the answer. For some statuses, many clients retry even if the headers forbid a retry. No client
 * retries after a 400, so a call whose tools must not run again gets a 400.
 */
function wordsFor({ kind, retryable }: ErrorInfo, ranTools: boolean): { status: number; code: string } {
  const [status, code = kind] = statuses[kind] ?? [500];
  const isRepeated = status === 409 || status === 429 || status >= 500;
  if (!ranTools || !isRepeated) return { status, code };
  return { status: 400, code: retryable ? toolsHaveRun : code };
}

function waitHeaders(waitMs: number): Record<string, string> {
  return { "retry-after": String(Math.ceil(waitMs / 1000)), "retry-after-ms": String(Math.ceil(waitMs)) };
}

/**
 * Status of each kind of error, and OpenAI's code if it differs from the kind. A failure of the connection to the provider gets 502,
 * because it is not the caller's fault.
 */
const statuses: Readonly<Record<string, readonly [status: number, code?: string]>> = {
  usage: [400],
  bad_request: [400],
  context_length: [400, "context_length_exceeded"],
  content_filter: [400],
  cancelled: [400],
  auth: [401, "invalid_api_key"],
  not_found: [404],
  model_gone: [404, "model_not_found"],
  request_mismatch: [409],
  busy: [409],
  exists: [409],
  rate_limit: [429, "rate_limit_exceeded"],
  quota: [429, "insufficient_quota"],
  limit: [429, "insufficient_quota"],
  server: [502],
  connect: [502],
  network: [502],
  needs_auth: [502],
  unavailable: [502],
  empty_stream: [502],
  stream_interrupted: [502],
  tool_generation_failed: [502],
  output: [502],
  html: [502],
  redirect: [502],
  protocol: [502],
  overloaded: [503, "server_is_overloaded"],
  required_server_down: [503],
  shutting_down: [503],
  queue_timeout: [503],
  locked: [503],
  timeout: [504],
  connect_timeout: [504],
  ttft_timeout: [504],
  idle_timeout: [504],
  total_timeout: [504],
};

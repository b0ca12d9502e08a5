/** Errors in the format of Anthropic's API. https://docs.claude.com/en/api/errors */
import type { ProblemDetails } from "./api-errors.js";

type Header = (name: string) => string | undefined;

/** Returns true if the caller expects errors in Anthropic's format. */
export function isAnthropicCall(path: string, header: Header): boolean {
  return path === "/v1/messages" || path.startsWith("/v1/messages/") || header("anthropic-version") !== undefined;
}

/**
 * Returns the status and the body of an error. For an overloaded provider and for a used-up account, Anthropic's status differs from
 * OpenAI's.
 */
export function anthropicError(problem: ProblemDetails, requestId: string): { status: number; body: object } {
  const status = statusOf(problem);
  const type = types[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  const { details } = problem;
  const error = { type, message: text(problem), ...(details ? { details } : {}) };
  return { status, body: { type: "error", error, request_id: requestId } };
}

const overloadedCodes = new Set(["server_is_overloaded", "queue_timeout", "too_many_connections"]);

function statusOf({ status, code }: ProblemDetails): number {
  if (status === 429 && code === "insufficient_quota") return 402;
  return status === 503 && overloadedCodes.has(code) ? 529 : status;
}

/** Returns the text of an error. Clients compact the conversation if the text contains `prompt is too long`. */
function text({ code, message }: ProblemDetails): string {
  return code === "context_length_exceeded" ? `prompt is too long: ${message}` : message;
}

const types: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

import type { NewId } from "../../../core/ids.js";
import { errorBody, type ProblemDetails } from "./api-errors.js";

export interface Refused {
  problem: ProblemDetails;
  headers?: Record<string, string>;
  path: string;
  header(name: string): string | undefined;
  newId: NewId;
}

/** Answers a refused or failed request with an error in the format of the API that was called. */
export function answerProblem({ problem, headers, path, header, newId }: Refused): Response {
  if (!isAnthropicCall(path, header)) return Response.json(errorBody(problem), { status: problem.status, headers });
  const requestId = newId("req");
  const { status, body } = anthropicError(problem, requestId);
  return Response.json(body, { status, headers: { ...headers, "request-id": requestId } });
}

/** Returns true if the caller expects errors in Anthropic's format. */
function isAnthropicCall(path: string, header: Refused["header"]): boolean {
  return path === "/v1/messages" || path.startsWith("/v1/messages/") || header("anthropic-version") !== undefined;
}

/**
 * Returns the status and the body of an error in Anthropic's format. For an overloaded provider and for a used-up account, the status differs
 * from OpenAI's. https://docs.claude.com/en/api/errors
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

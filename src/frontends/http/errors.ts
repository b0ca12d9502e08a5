import type { ErrorInfo } from "../../core/chat.js";

/** A request that is wrong as it is, in the API's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly param?: string,
  ) {
    super(message);
  }
}

export interface ErrorBody {
  error: { message: string; type: string; code: string; param: string | null };
}

/** The shape of OpenAI's API, which its clients read: `code` is our `kind`. */
export function errorBody(status: number, code: string, message: string, param?: string): ErrorBody {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return { error: { message, type, code, param: param ?? null } };
}

/** How the failure of a turn looks over HTTP. What is wrong between host and provider is no fault of the caller's request. */
export function statusOf({ kind }: ErrorInfo): number {
  return statuses[kind] ?? 500;
}

const statuses: Readonly<Record<string, number>> = {
  usage: 400,
  bad_request: 400,
  context_length: 400,
  content_filter: 400,
  request_mismatch: 409,
  busy: 409,
  not_found: 404,
  rate_limit: 429,
  overloaded: 503,
  quota: 503,
  required_server_down: 503,
  shutting_down: 503,
  queue_timeout: 503,
  locked: 503,
  timeout: 504,
  connect_timeout: 504,
  ttft_timeout: 504,
  idle_timeout: 504,
  total_timeout: 504,
  server: 502,
  connect: 502,
  network: 502,
  auth: 502,
  needs_auth: 502,
  unavailable: 502,
  model_gone: 502,
  empty_stream: 502,
  stream_interrupted: 502,
  tool_generation_failed: 502,
  html: 502,
  redirect: 502,
  protocol: 502,
};

export function messageWithHint({ message, hint }: ErrorInfo): string {
  return hint ? `${message} (${hint})` : message;
}

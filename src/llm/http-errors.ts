import { type AxiosError, isAxiosError } from "axios";
import { LlmError, type LlmErrorKind } from "../core/errors.js";
import type { Call } from "./call.js";
import { duration, failure, limitReached } from "./errors.js";
import { type Headers, requestIdOf, retryAfterMs, shouldRetry } from "./hints.js";
import { kindOf, type ProviderError, parseErrorBody } from "./provider-error.js";

/** Worth another request. 501 and 505 to 511 say that it would be answered the same. */
const RETRIED = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);

/** The request has not left this machine: sending it again cannot be a second time. */
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * Anything that axios or a socket threw, as our error. Holds allow-listed facts only: an AxiosError carries the key and the
 * prompt, in `config`, in `request` and under `util.inspect`.
 */
export function toLlmError(error: unknown, call: Call, now: number): LlmError {
  if (error instanceof LlmError) return error;
  if (call.options.signal.aborted) return call.aborted();
  if (isAxiosError(error) && error.response) return fromResponse(error.response, call, now);
  return fromSocket(error, call);
}

/** An error that the provider stated, in a response or in the middle of a 200. */
export function fromProvider(said: ProviderError, call: Call, headers: Headers, now: number): LlmError {
  const kind = kindOf(said);
  const waitMs = retryAfterMs(headers, said, now);
  const wanted = shouldRetry(headers);
  const inVain = said.status !== undefined && !RETRIED.has(said.status) && wanted !== true;
  return failure(kind, [head(said), said.message, waitNote(waitMs, call, now)].filter(Boolean).join(": "), call, {
    status: said.status,
    requestId: requestIdOf(headers),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(inVain || wanted === false ? { retryable: false } : {}),
  });
}

function fromResponse(
  { status, headers, data }: NonNullable<AxiosError["response"]>,
  call: Call,
  now: number,
): LlmError {
  return fromProvider(parseErrorBody(typeof data === "string" ? data : "", status), call, headers as Headers, now);
}

function head({ status }: ProviderError): string {
  return status === undefined ? "error" : `error ${status}`;
}

function waitNote(waitMs: number | undefined, call: Call, now: number): string {
  const { maxRetryAfterMs } = call.options.http;
  if (waitMs === undefined || waitMs <= maxRetryAfterMs) return "";
  const until = new Date(now + waitMs);
  const when = Number.isNaN(until.getTime()) ? "" : `, until ${until.toISOString()}`;
  return `asks to wait ${duration(waitMs)}${when}, longer than llm.http.max_retry_after (${duration(maxRetryAfterMs)})`;
}

function fromSocket(error: unknown, call: Call): LlmError {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (code === "ECONNABORTED") return limitReached("timeout", call);
  if (code === "ECONNTIMEOUT") {
    const limit = duration(call.options.http.connectTimeoutMs);
    return failure("connect_timeout", `no connection within ${limit} (llm.http.connect_timeout)`, call);
  }
  const said = message || code || String(error);
  if (NOT_CONNECTED.has(code)) return failure("connect", `cannot connect: ${said}`, call);
  const lasting = LASTING.find(([codes]) => codes.test(code));
  if (lasting)
    return failure(lasting[1], said, call, { retryable: false, ...(lasting[2] ? { hint: lasting[2] } : {}) });
  return failure("network", `the connection broke: ${said}`, call);
}

/** Failures on our side of the wire that no retry cures. */
const LASTING: readonly (readonly [RegExp, LlmErrorKind, string?])[] = [
  [
    /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/,
    "connect",
    "Point NODE_EXTRA_CA_CERTS at the certificate authority of your network.",
  ],
  [/EPROTO/, "connect", "Is base_url https where the server speaks http?"],
  [/ERR_INVALID_URL|ERR_INVALID_HTTP_TOKEN|ERR_UNSUPPORTED|ERR_BAD_OPTION/, "bad_request"],
  [/ERR_BAD_REQUEST|ERR_FR_MAX_BODY/, "context_length"],
];

import { type AxiosError, isAxiosError } from "axios";
import { LlmError, type LlmErrorKind } from "../../core/errors.js";
import { asText } from "../../core/json.js";
import { clockText, waitText } from "../../core/text/durations.js";
import { ConnectTimeout } from "../../outbound/socket-pool.js";
import { type Headers, requestIdOf, retryAfterMs, shouldRetry } from "../connection/hints.js";
import { ProxyError } from "../connection/tunnel.js";
import { failure, limitReached, stating } from "../shared/llm-errors.js";
import { inWords, kindOf, type ProviderError } from "../wires/shared/provider-error.js";
import type { ProviderCall } from "./call.js";
import { textsIn, withoutQuotes } from "./quotes.js";

/**
 * Statuses after which the request is sent again. The statuses 501 and 505 to 511 are not among them, because a repeated request would get
 * the same answer.
 */
const retried = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);

/** Errors of requests that never left this machine. It is safe to send such a request again. */
const notConnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * Converts an error to an LlmError with allow-listed facts only. An AxiosError carries the key and the prompt in `config` and `request`,
 * and `util.inspect` prints them.
 */
export function toLlmError(error: unknown, call: ProviderCall, now: number): LlmError {
  if (error instanceof LlmError) return error;
  if (call.options.signal.aborted) return call.aborted();
  if (isAxiosError(error) && error.response) return fromResponse(error.response, call, now);
  return fromSocket((isAxiosError(error) && error.cause) || error, call);
}

export function fromProvider(said: ProviderError, call: ProviderCall, headers: Headers, now: number): LlmError {
  const kind = kindOf(said);
  const waitMs = retryAfterMs(headers, said, now);
  const wanted = shouldRetry(headers);
  const inVain = said.status !== undefined && !retried.has(said.status) && wanted !== true;
  const words = withoutQuotes(inWords(said.message), textsIn(call.options.request));
  const message = [head(said), words, waitNote(waitMs, call, now)].filter(Boolean).join(": ");
  const error = failure(kind, message, call, {
    status: said.status,
    requestId: requestIdOf(headers),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    ...(inVain || wanted === false ? { retryable: false } : {}),
  });
  return stating(error, said);
}

function fromResponse(
  { status, headers, data }: NonNullable<AxiosError["response"]>,
  call: ProviderCall,
  now: number,
): LlmError {
  // Only a proxy on the way uses this status, never a provider.
  if (status === 407) return fromProxy("the proxy answered 407", status, call);
  const said = call.draft.wire.error(typeof data === "string" ? data : "", status);
  const location = asText(headers.location);
  if (location && kindOf(said) === "redirect") said.message = `redirects to ${withoutQuery(location, call)}`;
  return fromProvider(said, call, headers as Headers, now);
}

/** Returns the redirect's target without its query, which may hold a token. */
function withoutQuery(location: string, { provider }: ProviderCall): string {
  if (!URL.canParse(location, provider.baseUrl)) return "nowhere";
  const { protocol, host, pathname } = new URL(location, provider.baseUrl);
  return `${protocol}//${host}${pathname}`;
}

function head({ status }: ProviderError): string {
  return status === undefined ? "error" : `error ${status}`;
}

function waitNote(waitMs: number | undefined, call: ProviderCall, now: number): string {
  const { maxRetryAfterMs } = call.options.http;
  if (waitMs === undefined || waitMs <= maxRetryAfterMs) return "";
  const until = now + waitMs;
  const when = Number.isNaN(new Date(until).getTime()) ? "" : `, until ${clockText(until, now)}`;
  return `asks to wait ${waitText(waitMs)}${when}, longer than this host waits (${waitText(maxRetryAfterMs)})`;
}

/**
 * Creates the error for a proxy's failure. There is no retry if the proxy refuses the request or demands a login, because it would do so
 * every time.
 */
function fromProxy(said: string, status: number | undefined, call: ProviderCall): LlmError {
  const hint =
    status === 407
      ? "Put name and password into the proxy's URL: http://name:password@host:port, in llm.http.proxy or the environment."
      : `Check the proxy (llm.http.proxy, HTTPS_PROXY, NO_PROXY), and that it may reach ${call.provider.name}.`;
  return failure("connect", said, call, { hint, retryable: status === undefined || retried.has(status) });
}

function fromSocket(error: unknown, call: ProviderCall): LlmError {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (error instanceof ProxyError) return fromProxy(error.message, error.status, call);
  if (code === "ECONNABORTED") return call.replacesStream ? noWholeAnswer(call) : limitReached("timeout", call);
  if (error instanceof ConnectTimeout) return limitReached("connect_timeout", call, error.message);
  const said = message || code || String(error);
  if (notConnected.has(code)) return failure("connect", `cannot connect: ${said}`, call);
  const lasting = lastingErrors.find(([codes]) => codes.test(code));
  if (lasting)
    return failure(lasting[1], said, call, { retryable: false, ...(lasting[2] ? { hint: lasting[2] } : {}) });
  return failure("network", `the connection broke: ${said}`, call);
}

/** Creates the error for a whole answer, in place of a stream, that took too long (`#headersTimeoutMs` of axios-instance.ts). */
function noWholeAnswer(call: ProviderCall): LlmError {
  const hint = "Try again, or raise llm.http.total_timeout if this model needs longer.";
  return failure("timeout", "no complete answer within half of the remaining time (llm.http.total_timeout)", call, {
    hint,
  });
}

const lastingErrors: readonly (readonly [RegExp, LlmErrorKind, string?])[] = [
  [
    /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/,
    "connect",
    "Point llm.http.ca_file (or NODE_EXTRA_CA_CERTS) at the certificate authority of your network.",
  ],
  [/EPROTO|ERR_SSL/, "connect", "Check base_url: it says https, and the server may speak http."],
  [/ERR_INVALID_(URL|PROTOCOL|CHAR|HTTP_TOKEN)|ERR_UNESCAPED|ERR_BAD_OPTION/, "bad_request"],
  [/ERR_FR_MAX_BODY/, "context_length"],
];

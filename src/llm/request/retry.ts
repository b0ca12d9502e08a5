import type { AxiosError, AxiosInstance, AxiosRequestConfig } from "axios";
import axiosRetry from "axios-retry";
import { longestTimerMs } from "../../core/async/timers.js";
import type { HttpConfig } from "../../core/config.js";
import type { LlmError, LlmErrorKind } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { ProviderCall } from "../call/call.js";
import { toLlmError } from "../call/http-errors.js";
import { ambiguousRetryCost, retryCost } from "../limits/retry-budget.js";
import { statedIn } from "../shared/llm-errors.js";

export interface RetryPolicyParts {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Returns the time in ms of a clock that never goes back. */
  steadyNow: () => number;
  /** Returns a random number, uniform in [0, 1). */
  random: () => number;
  observe: Observe;
}

/** Failures after which the provider may nevertheless have answered the request and billed it. */
const ambiguous: ReadonlySet<LlmErrorKind> = new Set([
  "network",
  "timeout",
  "ttft_timeout",
  "idle_timeout",
  "empty_stream",
]);
/** Limit for the retries of a whole fallback chain, as a multiple of `max_retries`, which is the limit for one provider. */
const chainRetries = 2;
/** Maximum jitter added to the waiting time that a provider asks for, so that not all clients return at the same time. */
const maxHintJitterMs = 1000;

/**
 * Decides on every retry: axios-retry asks this class before the response headers have arrived, `attempts.ts` afterwards. Both use the
 * call's own count of retries, so retries never multiply.
 */
export class RetryPolicy {
  readonly now: () => number;
  readonly steadyNow: () => number;
  readonly #random: () => number;
  readonly #observe: Observe;
  #stopped = false;

  constructor({ now, steadyNow, random, observe }: RetryPolicyParts) {
    this.now = now;
    this.steadyNow = steadyNow;
    this.#random = random;
    this.#observe = observe;
  }

  stop(): void {
    this.#stopped = true;
  }

  /**
   * Returns true if the call must be sent again after `call.delayMs`. Returns false if the provider asks for too long a wait, or if the
   * pause would end after the deadline. `atOnce`: retry without a pause, because the provider did not cause the failure.
   */
  plan(call: ProviderCall, failure: LlmError, atOnce = false): boolean {
    if (this.#stopped || call.options.signal.aborted || call.gaveUp) return false;
    const isRetried = this.#plan(call, failure, atOnce);
    call.options.measure?.attemptFailed(call, failure, isRetried);
    return isRetried;
  }

  #plan(call: ProviderCall, failure: LlmError, atOnce: boolean): boolean {
    const { deadlineAt, tally, http } = call.options;
    const swapped = !atOnce && call.lane?.failed(call, failure) === true;
    call.gaveUp = true;
    const retry = { attempts: call.retries + 1, delayMs: call.delayMs };
    const delayMs = atOnce || swapped ? 0 : retryDelay(http, retry, failure.retryAfterMs, this.#random);
    const hasBackOff = failure.kind === "rate_limit" && http.maxRetries > 0;
    if (!swapped && (hasBackOff || failure.retryAfterMs !== undefined)) call.lane?.pause(failure, delayMs);
    if (call.isHedge) return false;
    if (!swapped && !this.#isRetried(call, failure)) return false;
    if (this.steadyNow() + delayMs >= deadlineAt) return false;
    const { provider, model, attempts, lane } = call;
    const fields = { provider: provider.name, model, kind: failure.kind, status: failure.status, attempts, delayMs };
    const cost = ambiguous.has(failure.kind) ? ambiguousRetryCost : retryCost;
    if (!atOnce && !swapped && lane?.budget.take(cost) === false) {
      this.#observe({ level: "warn", scope: "llm", message: "request failed, retry budget used up", fields });
      return false;
    }
    if (!swapped) {
      call.retries++;
      tally.retries++;
    }
    call.delayMs = delayMs;
    call.gaveUp = false;
    this.#observe({ level: "warn", scope: "llm", message: "request failed, trying again", fields });
    return true;
  }

  #isRetried(call: ProviderCall, failure: LlmError): boolean {
    const { http, tally } = call.options;
    const { retryAfterMs = 0 } = failure;
    const isLeft = call.retries < http.maxRetries && tally.retries < chainRetries * http.maxRetries;
    if (!isLeft || retryAfterMs > http.maxRetryAfterMs) return false;
    return isWorthOneMore(failure) ? isAskedOnceMore(call) : failure.retryable;
  }
}

/**
 * Returns true for a failure of the model itself, which seldom happens twice. Example: a call that its provider could not read (Groq's
 * `tool_use_failed`).
 */
function isWorthOneMore(failure: LlmError): boolean {
  return failure.kind === "tool_generation_failed" || statedIn(failure)?.isRetriedOnce === true;
}

function isAskedOnceMore(call: ProviderCall): boolean {
  if (call.hasAskedOnceMore) return false;
  call.hasAskedOnceMore = true;
  return true;
}

/**
 * Returns the pause after `attempts` failures, in ms. If the provider asks for a wait (`hintMs`), the pause is that wait and a short random
 * time. Otherwise the jitter mode decides. `proportional`: `min(initial * multiplier^(n-1), max)`, raised or lowered at random by up to the
 * fraction `retry_jitter`. `full`: a random time between 0 and that value. `decorrelated`: a random time that grows with the previous
 * pause.
 */
export function retryDelay(
  http: HttpConfig,
  { attempts, delayMs: previousMs }: Pick<ProviderCall, "attempts" | "delayMs">,
  hintMs: number | undefined,
  random: () => number,
): number {
  const { initialRetryDelayMs: initial, maxRetryDelayMs: max, retryMultiplier, retryJitter, retryJitterMode } = http;
  const backOff = () => Math.min(initial * retryMultiplier ** (attempts - 1), max);
  const delayMs = () => {
    if (hintMs !== undefined) return hintMs + random() * Math.min(maxHintJitterMs, hintMs / 10);
    if (retryJitterMode === "full") return random() * backOff();
    if (retryJitterMode === "proportional") return backOff() * (1 + retryJitter * (2 * random() - 1));
    return Math.min(max, initial + random() * (Math.max(initial, 3 * previousMs) - initial));
  };
  return Math.min(Math.max(delayMs(), 0), longestTimerMs);
}

export function callOf(config: AxiosRequestConfig | undefined): ProviderCall | undefined {
  return (config as { call?: ProviderCall } | undefined)?.call;
}

export function wireRetries(instance: AxiosInstance, policy: RetryPolicy): void {
  const { requestInterceptorId } = axiosRetry(instance, {
    // axios-retry gets no limit, because `retryCondition` counts the retries itself: a request with another key does not count as a retry.
    retries: Number.MAX_SAFE_INTEGER,
    retryCondition: (error) => {
      const call = callOf(error.config);
      // If only this request was aborted, not the whole call, then this request was the slower of two racing requests, and needs no retry.
      if (call === undefined || error.config?.signal?.aborted) return false;
      return policy.plan(call, toLlmError(error, call, policy.now()), replacesSocket(error, call));
    },
    retryDelay: (_count, error) => callOf(error.config)?.delayMs ?? 0,
  });
  // Removes axios-retry's interceptor that records when a request began. Only the unused option `timeout` needs it, and it costs a chain of
  // promises and two copies of these options for each request.
  instance.interceptors.request.eject(requestInterceptorId);
}

/**
 * Returns true, at most once per call, if the server closed a pooled connection while the request was being sent. The request then succeeds
 * on a new connection.
 */
function replacesSocket(error: AxiosError, call: ProviderCall): boolean {
  const { reusedSocket } = (error.request ?? {}) as { reusedSocket?: boolean };
  if (call.replacedSocket || !reusedSocket || !/^(ECONNRESET|EPIPE)$/.test(error.code ?? "")) return false;
  call.replacedSocket = true;
  return true;
}

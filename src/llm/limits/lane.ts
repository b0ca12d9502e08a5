import { remember } from "../../core/async/remember.js";
import type { HttpConfig } from "../../core/config.js";
import type { LlmError, LlmErrorKind } from "../../core/errors.js";
import type { Meter } from "../../core/measurements.js";
import type { CompletionRequest } from "../../core/messages.js";
import { waitText } from "../../core/text/durations.js";
import { bytesPerToken } from "../../core/token-usage.js";
import type { Provider } from "../providers/providers.js";
import { type AskedModel, failure, saidBy } from "../shared/llm-errors.js";
import { Breaker, type BreakerParts } from "./breaker.js";
import { KeyRing } from "./key-ring.js";
import { Limiter, QueueTimeout, type Slot } from "./limiter.js";
import { RetryBudget } from "./retry-budget.js";

export interface LaneParts extends BreakerParts {
  meter?: Meter | undefined;
}

interface LaneCall extends AskedModel {
  readonly body: { toString(): string };
  readonly options: {
    readonly signal: AbortSignal;
    /** Time of `steadyNow`. */
    readonly deadlineAt: number;
    readonly request: Pick<CompletionRequest, "refusesPause">;
  };
  /** Time of the last request, from `steadyNow`. */
  readonly sentAt: number;
  readonly key: string | undefined;
  aborted(): LlmError;
}

const load: ReadonlySet<LlmErrorKind> = new Set(["rate_limit", "overloaded", "server"]);

/** How long a key rests after its quota is used up, unless the provider states a time. */
const quotaRestMs = 600_000;
const rateLimitRestMs = 5_000;

/**
 * Matches images and sound in base64. They are left out when tokens are estimated, because a model counts far fewer tokens for them than
 * their base64 suggests.
 */
const encoded = /[\w+/=]{1000,}/g;

/** State that all requests to one provider share: limiter, retry budget, keys, and the breakers of its models. */
export class Lane {
  readonly limiter: Limiter;
  readonly budget: RetryBudget;
  readonly keys: KeyRing;
  readonly breakers = new Map<string, Breaker>();
  readonly #provider: Provider;
  readonly #http: HttpConfig;
  readonly #parts: LaneParts;
  /** The refusal because of which nothing is sent until `#pausedUntil`, a time of `steadyNow`. */
  #refusal: LlmError | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(provider: Provider, http: HttpConfig, parts: LaneParts) {
    const { maxConcurrency = http.maxConnections, rpm, tpm } = provider;
    const bounds = { maxConcurrency: Math.min(maxConcurrency, http.maxConnections), rpm, tpm };
    this.limiter = new Limiter(bounds, parts.steadyNow);
    this.budget = new RetryBudget(parts.steadyNow);
    this.keys = new KeyRing(provider.apiKeys, parts.steadyNow);
    this.#provider = provider;
    this.#http = http;
    this.#parts = parts;
  }

  get provider(): string {
    return this.#provider.name;
  }

  breakerOf(model: string): Breaker {
    const known = this.breakers.get(model);
    if (known) return known;
    const { provider } = this;
    const opened = () => this.#parts.meter?.record({ type: "breaker_opened", provider, model });
    return remember(this.breakers, model, new Breaker(`${provider}/${model}`, this.#parts, opened));
  }

  /**
   * Handles a call that comes while the provider pauses. If the call would wait as long before a retry, it will wait for a slot until the
   * pause ends. Otherwise throws an LlmError with the rest of the pause.
   */
  enterPause(call: LaneCall): void {
    const { request, deadlineAt } = call.options;
    const now = this.#parts.steadyNow();
    const leftMs = Math.ceil(this.#pausedUntil - now);
    const refusal = this.#refusal;
    if (!refusal || leftMs <= 0) return;
    const { maxRetries, maxRetryAfterMs } = this.#http;
    const isRefused = request.refusesPause && call.attempts === 0;
    const isPatient = !isRefused && maxRetries > 0 && (refusal.retryAfterMs ?? 0) <= maxRetryAfterMs;
    if (isPatient && now + leftMs < deadlineAt) {
      this.#report("warn", "waiting, since the provider refuses requests for now", {
        model: call.model,
        waitMs: leftMs,
      });
      return;
    }
    const said = `not asked, since it refuses requests for now (${saidBy(refusal, call)}); it is asked again in ${waitText(leftMs)}`;
    throw failure(refusal.kind, said, call, { status: refusal.status, retryAfterMs: leftMs });
  }

  /** Sends no request for `forMs`, but at most for `llm.http.max_retry_after`, because of a refusal by the provider. */
  pause(refusal: LlmError, forMs: number): void {
    if (!load.has(refusal.kind)) return;
    const until = this.#parts.steadyNow() + Math.min(forMs, this.#http.maxRetryAfterMs);
    if (until <= this.#pausedUntil) return;
    this.#refusal = refusal;
    this.#pausedUntil = until;
    this.limiter.pause(until);
  }

  /** Takes a slot without waiting, which most calls can do. Returns undefined if no slot is free. */
  takeSlot(call: LaneCall): Slot | undefined {
    if (call.options.signal.aborted) return undefined;
    const slot = this.limiter.tryAcquire(this.#tokensOf(call));
    if (slot) this.#parts.meter?.record({ type: "slot_taken", provider: this.provider, waitMs: 0 });
    return slot;
  }

  /** Waits for a slot. Requests are served in order of arrival. Throws LlmError: queue_timeout, aborted, total_timeout. */
  async waitForSlot(call: LaneCall): Promise<Slot> {
    const { steadyNow } = this.#parts;
    const { queueTimeoutMs } = this.#http;
    const signal = call.options.signal;
    const arrivedAt = steadyNow();
    try {
      const slot = await this.limiter.acquire(this.#tokensOf(call), signal, queueTimeoutMs);
      const waitMs = steadyNow() - arrivedAt;
      this.#parts.meter?.record({ type: "slot_taken", provider: this.#provider.name, waitMs });
      if (waitMs > 0) this.#report("debug", "waited for a free slot", { model: call.model, waitMs });
      return slot;
    } catch (error) {
      if (error instanceof QueueTimeout) throw this.#queueTimeout(call, error);
      throw signal.aborted ? call.aborted() : error;
    }
  }

  /** Adjusts keys and limits after a failed request, for the requests that follow. Returns true if another key is ready now. */
  failed(call: LaneCall, { kind, retryAfterMs }: LlmError): boolean {
    const now = this.#parts.steadyNow();
    const restMs = keyRestMs(kind, retryAfterMs);
    if (restMs !== undefined && this.keys.rest(call.key, now + restMs)) {
      this.#report("warn", "another key is used", { key: this.keys.numberOf(call.key), kind });
      return true;
    }
    if (!load.has(kind)) return false;
    this.limiter.shrink(call.sentAt);
    this.#report("debug", "fewer requests at once", { kind, retryAfterMs });
    return false;
  }

  answered(): void {
    this.budget.succeeded();
    this.limiter.grow();
  }

  #report(level: "debug" | "warn", message: string, fields: Record<string, unknown>): void {
    const { queued, active, limit } = this.limiter;
    const all = { provider: this.#provider.name, ...fields, queued, active, limit };
    this.#parts.observe({ level, scope: "llm", message, fields: all });
  }

  /**
   * Estimates the request's tokens; 0 if the provider has no limit of tokens per minute. The tokens of the answer are added when they are
   * known.
   */
  #tokensOf(call: LaneCall): number {
    if (this.#provider.tpm === undefined) return 0;
    return Math.ceil(Buffer.byteLength(String(call.body).replace(encoded, "")) / bytesPerToken);
  }

  #queueTimeout(call: LaneCall, { bound }: QueueTimeout): LlmError {
    const { name, maxConcurrency, rpm, tpm } = this.#provider;
    const { maxConnections, queueTimeoutMs } = this.#http;
    const own = `llm.providers.${name}`;
    const isOwn = maxConcurrency !== undefined && maxConcurrency < maxConnections;
    const key = {
      concurrency: isOwn ? `${own}.max_concurrency` : "llm.http.max_connections",
      overload: "llm.http.queue_timeout",
      rpm: `${own}.rpm`,
      tpm: `${own}.tpm`,
    }[bound];
    const limit = {
      concurrency: `${atOnce(isOwn ? maxConcurrency : maxConnections)} (${key})`,
      overload: `${atOnce(this.limiter.limit)}, lowered because the provider is overloaded`,
      rpm: `${rpm} requests a minute (${key})`,
      tpm: `${tpm} tokens a minute (${key})`,
    }[bound];
    const said = `no free slot within ${waitText(queueTimeoutMs)} (llm.http.queue_timeout): the limit is ${limit}`;
    return failure("queue_timeout", said, call, { hint: `Try again, or raise ${key}.` });
  }
}

/**
 * Returns how long the failed request's key must rest; undefined if the failure says nothing about the key. A refused key rests for good.
 */
function keyRestMs(kind: LlmErrorKind, hintMs: number | undefined): number | undefined {
  if (kind === "auth") return Number.POSITIVE_INFINITY;
  if (kind === "quota") return hintMs ?? quotaRestMs;
  return kind === "rate_limit" ? (hintMs ?? rateLimitRestMs) : undefined;
}

function atOnce(count: number): string {
  return count === 1 ? "1 request at once" : `${count} requests at once`;
}

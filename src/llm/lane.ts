import type { HttpConfig } from "../core/config.js";
import type { LlmError, LlmErrorKind } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import { RetryBudget } from "./budget.js";
import type { Call } from "./call.js";
import { duration, failure } from "./errors.js";
import { KeyRing } from "./keys.js";
import { type Bound, Limiter, QueueTimeout, type Slot } from "./limiter.js";
import type { Provider } from "./providers.js";

export interface LaneParts {
  /** Milliseconds since the epoch. */
  now: () => number;
  observe: Observe;
}

/** The provider has more requests than it can serve. */
const LOAD: ReadonlySet<LlmErrorKind> = new Set(["rate_limit", "overloaded", "server"]);

/** How long a key rests that is used up, unless the provider says. */
const QUOTA_REST_MS = 600_000;
const RATE_LIMIT_REST_MS = 5_000;

const BYTES_PER_TOKEN = 4;
/** Images and sound, which cost far fewer tokens than their base64 has letters. */
const ENCODED = /[\w+/=]{1000,}/g;

/** What all requests to one provider share: places, retry budget and keys. */
export class Lane {
  readonly limiter: Limiter;
  readonly budget: RetryBudget;
  readonly keys: KeyRing;
  readonly #provider: Provider;
  readonly #http: HttpConfig;
  readonly #parts: LaneParts;

  constructor(provider: Provider, http: HttpConfig, parts: LaneParts) {
    const { maxConcurrency = http.maxConnections, rpm, tpm } = provider;
    const bounds = { maxConcurrency: Math.min(maxConcurrency, http.maxConnections), rpm, tpm };
    this.limiter = new Limiter(bounds, parts.now);
    this.budget = new RetryBudget(parts.now);
    this.keys = new KeyRing(provider.apiKeys, parts.now);
    this.#provider = provider;
    this.#http = http;
    this.#parts = parts;
  }

  /** Waits for a place, first come, first served. Throws LlmError: queue_timeout, aborted, total_timeout. */
  async enter(call: Call): Promise<Slot> {
    const { now } = this.#parts;
    const arrivedAt = now();
    try {
      const { signal } = call.options;
      const slot = await this.limiter.acquire(this.#tokensOf(call), signal, this.#http.queueTimeoutMs);
      const waitMs = now() - arrivedAt;
      if (waitMs > 0) this.#report("debug", "waited for a place", { model: call.model, waitMs });
      return slot;
    } catch (error) {
      if (error instanceof QueueTimeout) throw this.#queueTimeout(call, error.bound);
      throw call.options.signal.aborted ? call.aborted() : error;
    }
  }

  /** A place for a second request of the call, if one is free. */
  tryEnter(call: Call): Slot | undefined {
    return this.limiter.tryAcquire(this.#tokensOf(call));
  }

  /** What one failed request means for all that follow. True: another key is ready, to be used at once. */
  failed(call: Call, { kind, retryAfterMs }: LlmError): boolean {
    const now = this.#parts.now();
    const restMs = keyRestMs(kind, retryAfterMs);
    if (restMs !== undefined && this.keys.rest(call.key, now + restMs)) {
      this.#report("warn", "another key is used", { key: this.keys.numberOf(call.key), kind });
      return true;
    }
    if (!LOAD.has(kind)) return false;
    this.limiter.shrink(call.sentAt);
    if (retryAfterMs !== undefined && retryAfterMs <= this.#http.maxRetryAfterMs)
      this.limiter.pause(now + retryAfterMs);
    this.#report("debug", "fewer requests at once", { kind, retryAfterMs });
    return false;
  }

  /** A call was answered. */
  answered(): void {
    this.budget.succeeded();
    this.limiter.grow();
  }

  #report(level: "debug" | "warn", message: string, fields: Record<string, unknown>): void {
    const { queued, active, limit } = this.limiter;
    const all = { provider: this.#provider.name, ...fields, queued, active, limit };
    this.#parts.observe({ level, scope: "llm", message, fields: all });
  }

  /** The request's tokens, roughly; what the answer takes is added when it is known. */
  #tokensOf(call: Call): number {
    if (this.#provider.tpm === undefined) return 0;
    return Math.ceil(call.body.toString("latin1").replace(ENCODED, "").length / BYTES_PER_TOKEN);
  }

  #queueTimeout(call: Call, bound: Bound): LlmError {
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
      overload: `${atOnce(this.limiter.limit)}, lowered since the provider is overloaded`,
      rpm: `${rpm} requests a minute (${key})`,
      tpm: `${tpm} tokens a minute (${key})`,
    }[bound];
    const said = `no place within ${duration(queueTimeoutMs)} (llm.http.queue_timeout): the limit is ${limit}`;
    return failure("queue_timeout", said, call, { hint: `Try again, or raise ${key}.` });
  }
}

/** Undefined: the failure says nothing about the key. A key that was refused rests for good. */
function keyRestMs(kind: LlmErrorKind, hintMs: number | undefined): number | undefined {
  if (kind === "auth") return Number.POSITIVE_INFINITY;
  if (kind === "quota") return hintMs ?? QUOTA_REST_MS;
  return kind === "rate_limit" ? (hintMs ?? RATE_LIMIT_REST_MS) : undefined;
}

function atOnce(count: number): string {
  return count === 1 ? "1 request at once" : `${count} requests at once`;
}

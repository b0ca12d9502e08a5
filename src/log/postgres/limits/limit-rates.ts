import { setTimeout as sleep } from "node:timers/promises";
import { longestTimerMs } from "../../../core/async/timers.js";
import { type Bound, QueueTimeout } from "../../../core/shared-limits.js";

/**
 * When a request may be sent. `second` is the second in which the request was charged. If the wait would be too long, `second` is null and
 * the request was not charged.
 */
export interface SpentRates {
  waitMs: number;
  second: number | null;
  bound: Bound;
}

/** A correction of what was charged in one second. `requests` and `tokens` are added to the charge and may be negative. */
export interface Correction {
  second: number;
  requests: number;
  tokens: number;
}

export interface SharedCharge {
  readonly second: number;
  tokens: number;
}

export interface RatesParts {
  /** Charges a request. Rejects if it is unknown whether the request was charged. */
  spend(tokens: number, patienceMs: number): Promise<SpentRates>;
  correct(corrections: readonly Correction[]): Promise<void>;
}

const retryMs = 250;
/** Time, in ms, for which corrections are collected. They are then sent together in one round trip. */
const gatherMs = 50;

/**
 * The requests and tokens per minute of one key, summed over all nodes. A request is sent only after the database has confirmed its charge.
 */
export class Rates {
  readonly #parts: RatesParts;
  #pending = new Map<number, Correction>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(parts: RatesParts) {
    this.#parts = parts;
  }

  /** Charges a request and waits until it may be sent. Rejects with the signal's reason, or with QueueTimeout. */
  async spend(tokens: number, signal: AbortSignal, patienceMs: number): Promise<SharedCharge> {
    const { waitMs, second, bound } = await this.#charged(tokens, signal, Math.min(patienceMs, longestTimerMs));
    if (second === null) throw new QueueTimeout(bound, true);
    const charge = { second, tokens };
    try {
      if (waitMs > 0) await sleep(Math.min(waitMs, longestTimerMs) + 1, undefined, { signal });
      signal.throwIfAborted();
    } catch {
      this.#add({ second, requests: -1, tokens: -tokens });
      throw signal.reason;
    }
    return charge;
  }

  /** Corrects the charge from the estimated to the actual number of tokens. */
  correct(charge: SharedCharge, tokens: number): void {
    if (tokens !== charge.tokens) this.#add({ second: charge.second, requests: 0, tokens: tokens - charge.tokens });
    charge.tokens = tokens;
  }

  /** Sends the collected corrections now. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const corrections = [...this.#pending.values()];
    this.#pending = new Map();
    if (corrections.length > 0) this.#sending = this.#sending.then(() => this.#send(corrections));
    return this.#sending;
  }

  async #charged(tokens: number, signal: AbortSignal, patienceMs: number): Promise<SpentRates> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.#parts.spend(tokens, patienceMs);
      } catch {
        await sleep(retryMs, undefined, { signal }).catch(() => Promise.reject(signal.reason));
      }
    }
  }

  #add({ second, requests, tokens }: Correction): void {
    const there = this.#pending.get(second) ?? { second, requests: 0, tokens: 0 };
    this.#pending.set(second, { second, requests: there.requests + requests, tokens: there.tokens + tokens });
    this.#timer ??= setTimeout(() => void this.flush(), gatherMs).unref();
  }

  /** Sends corrections. If the answer is lost, refunds are not sent again, because they could then be booked twice. */
  async #send(corrections: readonly Correction[]): Promise<void> {
    try {
      await this.#parts.correct(corrections);
    } catch {
      for (const { second, requests, tokens } of corrections)
        if (requests >= 0 && tokens > 0) this.#add({ second, requests, tokens });
    }
  }
}

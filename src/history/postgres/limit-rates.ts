import { setTimeout as sleep } from "node:timers/promises";
import { type Bound, QueueTimeout } from "../../core/shared-limits.js";
import { longestTimerMs } from "../../core/timers.js";

/** Time at which a request may be sent. `second` is where it was charged, or null if it was not because it would wait too long. */
export interface Spent {
  waitMs: number;
  second: number | null;
  bound: Bound;
}

/** Difference that corrects a charge. */
export interface Correction {
  second: number;
  requests: number;
  tokens: number;
}

export interface Charge {
  readonly second: number;
  tokens: number;
}

export interface RatesParts {
  /** Charges a request. Rejects if it is unknown whether it was charged. */
  spend(tokens: number, patienceMs: number): Promise<Spent>;
  correct(corrections: readonly Correction[]): Promise<void>;
}

const retryMs = 250;
/** Corrections within this time share a round trip. */
const gatherMs = 50;

/** Requests and tokens per minute of one key, over all nodes. A request is not sent unless its charge is confirmed. */
export class Rates {
  readonly #parts: RatesParts;
  #pending = new Map<number, Correction>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(parts: RatesParts) {
    this.#parts = parts;
  }

  /** Waits until the request may be sent. Rejects with the signal's reason, or with QueueTimeout. */
  async spend(tokens: number, signal: AbortSignal, patienceMs: number): Promise<Charge> {
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

  /** Replaces the estimated tokens of a charge with the actual number. */
  correct(charge: Charge, tokens: number): void {
    if (tokens !== charge.tokens) this.#add({ second: charge.second, requests: 0, tokens: tokens - charge.tokens });
    charge.tokens = tokens;
  }

  /** Sends the pending corrections. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const corrections = [...this.#pending.values()];
    this.#pending = new Map();
    if (corrections.length > 0) this.#sending = this.#sending.then(() => this.#send(corrections));
    return this.#sending;
  }

  async #charged(tokens: number, signal: AbortSignal, patienceMs: number): Promise<Spent> {
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

  /** Sends corrections. Does not repeat a refund that may have arrived, because it would be given back twice. */
  async #send(corrections: readonly Correction[]): Promise<void> {
    try {
      await this.#parts.correct(corrections);
    } catch {
      for (const { second, requests, tokens } of corrections)
        if (requests >= 0 && tokens > 0) this.#add({ second, requests, tokens });
    }
  }
}

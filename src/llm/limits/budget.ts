/** In tokens. Repeating a request that may have been answered and billed costs twice as much. */
export const RETRY_COST = 5;
export const AMBIGUOUS_RETRY_COST = 10;

const LEAST_CAPACITY = 50;
const PER_CALL_IN_FLIGHT = 5;
/** Refill for a provider's only caller, so that it can retry after an outage before anything has succeeded. */
const REFILL_PER_SECOND = 1;

/**
 * A provider's retry budget, as in gRPC and AWS: while most requests succeed all may be retried; in an outage retries stop before they
 * multiply the load.
 */
export class RetryBudget {
  readonly #now: () => number;
  #capacity = LEAST_CAPACITY;
  #tokens = LEAST_CAPACITY;
  #inFlight = 0;
  #filledAt: number;

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
    this.#filledAt = now();
  }

  /** Counts a call until it leaves. The capacity fits the most calls ever in flight together. */
  enter(): void {
    const capacity = Math.max(this.#capacity, PER_CALL_IN_FLIGHT * ++this.#inFlight);
    this.#tokens += capacity - this.#capacity;
    this.#capacity = capacity;
  }

  leave(): void {
    this.#inFlight--;
  }

  /** Returns false, and takes nothing, if there is not enough. */
  take(cost: number): boolean {
    this.#refill();
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + 1);
  }

  get isAboveHalf(): boolean {
    this.#refill();
    return this.#tokens > this.#capacity / 2;
  }

  #refill(): void {
    const now = this.#now();
    const added = (Math.max(0, now - this.#filledAt) / 1000) * REFILL_PER_SECOND;
    this.#tokens = Math.min(this.#capacity, this.#tokens + added);
    this.#filledAt = now;
  }
}

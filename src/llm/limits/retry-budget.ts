/** Costs of a retry, in tokens of the budget. If the failed request may have been answered and billed, its retry costs twice as much. */
export const retryCost = 5;
export const ambiguousRetryCost = 10;

const leastCapacity = 50;
const perCallInFlight = 5;
/**
 * Refill of the budget, in tokens per second, besides the token that each success adds. Without it, a provider's only caller could not
 * retry after an outage, since there would be no success to refill the budget.
 */
const refillPerSecond = 1;

/**
 * A provider's retry budget, as in gRPC and AWS. While most requests succeed, every failed one may be retried. In an outage, retries stop
 * before they multiply the load.
 */
export class RetryBudget {
  readonly #now: () => number;
  #capacity = leastCapacity;
  #tokens = leastCapacity;
  #inFlight = 0;
  #filledAt: number;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#filledAt = now();
  }

  /** Counts a call until `leave` is called. The capacity grows with the highest number of calls that were in flight together. */
  enter(): void {
    const capacity = Math.max(this.#capacity, perCallInFlight * ++this.#inFlight);
    this.#tokens += capacity - this.#capacity;
    this.#capacity = capacity;
  }

  leave(): void {
    this.#inFlight--;
  }

  /** Takes the cost of a retry from the budget. Returns false, and takes nothing, if the budget is too low. */
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
    const added = (Math.max(0, now - this.#filledAt) / 1000) * refillPerSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens + added);
    this.#filledAt = now;
  }
}

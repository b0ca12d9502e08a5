const minuteMs = 60_000;

export interface Charge {
  readonly at: number;
  cost: number;
}

/** A rate limit that holds for every period of 60 s, not only for each minute of the clock. */
export class RateWindow {
  /** Charges of the last 60 s, oldest first. */
  readonly #charges = new Set<Charge>();
  #spent = 0;

  constructor(readonly limit: number) {}

  /**
   * Returns how long to wait until `cost` fits, in ms. If `cost` exceeds the limit, it fits only when nothing was charged in the last 60 s.
   */
  waitMs(cost: number, now: number): number {
    this.#forget(now);
    let excess = this.#spent + Math.min(cost, this.limit) - this.limit;
    for (const charge of this.#charges) {
      if (excess <= 0) return 0;
      excess -= charge.cost;
      if (excess <= 0) return charge.at + minuteMs - now;
    }
    return 0;
  }

  take(cost: number, now: number): Charge {
    const charge = { at: now, cost };
    this.#charges.add(charge);
    this.#spent += cost;
    return charge;
  }

  correct(charge: Charge, cost: number): void {
    if (!this.#charges.has(charge)) return;
    this.#spent += cost - charge.cost;
    charge.cost = cost;
  }

  #forget(now: number): void {
    for (const charge of this.#charges) {
      if (charge.at > now - minuteMs) return;
      this.#charges.delete(charge);
      this.#spent -= charge.cost;
    }
  }
}

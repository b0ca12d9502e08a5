const MINUTE_MS = 60_000;

export interface Charge {
  readonly at: number;
  cost: number;
}

/** A limit in any 60 s, not in each minute of the clock. */
export class RateWindow {
  /** In order of time. */
  readonly #charges = new Set<Charge>();
  #spent = 0;

  constructor(readonly limit: number) {}

  /** Returns the wait until `cost` fits. A cost above the limit fits an empty window. */
  waitMs(cost: number, now: number): number {
    this.#forget(now);
    let excess = this.#spent + Math.min(cost, this.limit) - this.limit;
    for (const charge of this.#charges) {
      if (excess <= 0) return 0;
      excess -= charge.cost;
      if (excess <= 0) return charge.at + MINUTE_MS - now;
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
      if (charge.at > now - MINUTE_MS) return;
      this.#charges.delete(charge);
      this.#spent -= charge.cost;
    }
  }
}

import type { ChatStore } from "../../core/chat-store.js";
import { addSpent, nothingSpent, type Period, type SpentTotals } from "../../core/usage-store.js";
import type { Need } from "../../turn/turn-budget.js";

/** The account of the limits of a day: what all conversations have spent today, and what the turns of this host need now. */
export class DaySpent {
  readonly #store: Pick<ChatStore, "spent">;
  readonly #now: () => number;
  /** The tokens and dollars that the current step of each running turn needs, by the turn's id. */
  readonly #needs = new Map<string, Need>();

  /** `now`: the clock that gives events their times. */
  constructor(store: Pick<ChatStore, "spent">, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Returns the totals, including everything that was stored before this call. Rejects with StoreError. */
  read(): Promise<SpentTotals> {
    return this.#store.spent(dayOf(this.#now()));
  }

  /** Records what the current step of a turn needs. Undefined if the turn takes no step now. */
  needs(turnId: string, need: Need | undefined): void {
    if (need) this.#needs.set(turnId, need);
    else this.#needs.delete(turnId);
  }

  /** Returns what the current steps of all other turns on this host need. It is an estimate: their answers are not known yet. */
  othersNeed(turnId: string): SpentTotals {
    const totals = { ...nothingSpent };
    for (const [other, { tokens = 0, usd = 0 }] of this.#needs) {
      if (other !== turnId && tokens > 0) addSpent(totals, { tokens, usd, estimated: true });
    }
    return totals;
  }
}

/**
 * Returns the day that contains `time` (ms since the epoch), in this host's time zone. It has an end, because a clock that was ahead for a
 * moment has left amounts in the future.
 */
function dayOf(time: number): Period {
  return { since: new Date(time).setHours(0, 0, 0, 0), until: new Date(time).setHours(24, 0, 0, 0) };
}

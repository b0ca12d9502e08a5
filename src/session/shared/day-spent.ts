import type { ChatStore } from "../../core/chat-store.js";
import { addSpent, addTotals, nothingSpent, type SpentTotals } from "../../core/usage-store.js";
import type { Need } from "../../turn/turn-budget.js";
import { ClockWatch, type WatchedClocks } from "./clock-watch.js";
import { type DayAccount, midnightBefore } from "./turn-limits.js";

/**
 * Length, in ms, of the parts in which the day so far is summed up. On PostgreSQL, a part must take less than `chat.storage.statement_timeout`. A
 * day with 1,000,000 requests took longer than its default as a whole.
 */
const partMs = 60 * 60_000;
/**
 * Upper bound, in ms, for the time from an event's time until the event can be read in the log. A host gives an event its time and then
 * tries for `chat.storage.retry_timeout` (30 seconds by default) to store it, so the bound must be larger than that.
 */
const settleMs = 5 * 60_000;
/**
 * The day is counted anew only after a larger step of the clock, in ms. After a smaller step back, new events still lie within `settleMs`.
 * After a larger step forward, the machine may have been suspended, and requests from before are then stored late.
 */
const toleranceMs = 15_000;

interface CountedDay {
  midnight: number;
  /** All requests before this time are in `totals`, and no more of them will arrive. */
  settledUntil: number;
  /** The places (see `Spending`) of the requests since `settledUntil` that are in `totals` already. */
  recent: ReadonlySet<string>;
  totals: SpentTotals;
}

/**
 * The totals of all requests since midnight, in all conversations and on all hosts, for the limits of a day. The first read of a day sums up
 * the day so far. Later reads ask the log only for the requests of the last minutes. A request that was counted stays counted until the next
 * new count (at midnight, or when the clock was set), even if its conversation is deleted.
 */
export class DaySpent implements DayAccount {
  readonly #store: Pick<ChatStore, "spent" | "spendings">;
  readonly #now: () => number;
  readonly #clock: ClockWatch;
  /** The tokens and dollars that the current step of each running turn needs, by the turn's id. */
  readonly #needs = new Map<string, Need>();
  #day: CountedDay | undefined;
  /** The read that will begin when the current one has ended. */
  #next: Promise<SpentTotals> | undefined;
  /** Resolves when the latest read has ended. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /** `clocks.now`: the clock that gives events their times. */
  constructor(store: Pick<ChatStore, "spent" | "spendings">, clocks: WatchedClocks) {
    this.#store = store;
    this.#now = clocks.now;
    this.#clock = new ClockWatch(clocks, toleranceMs);
  }

  /**
   * Returns the totals, including everything that was stored before this call. A caller shares the read that waits for its start, never the
   * one that already runs. Rejects with StoreError.
   */
  read(): Promise<SpentTotals> {
    if (this.#next) return this.#next;
    const reading = this.#last.then(() => {
      this.#next = undefined;
      return this.#read();
    });
    this.#next = reading;
    this.#last = reading.catch(() => {});
    return reading;
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

  async #read(): Promise<SpentTotals> {
    const now = this.#now();
    const midnight = midnightBefore(now);
    const settledUntil = Math.max(midnight, now - settleMs);
    // A new day is counted anew. So is a day in which the clock was set: new events may have times that are already counted.
    if (this.#clock.look().isSet || this.#day?.midnight !== midnight) this.#day = undefined;
    this.#day ??= { midnight, settledUntil, recent: new Set(), totals: await this.#sum(midnight, settledUntil) };
    const { recent, totals, settledUntil: settledBefore } = this.#day;
    const until = Math.max(settledBefore, settledUntil); // after a small step back of the clock, nothing is counted twice
    const stillRecent = new Set<string>();
    for (const { place, at, ...spent } of await this.#store.spendings(settledBefore)) {
      if (!recent.has(place)) addTotals(totals, spent);
      if (at >= until) stillRecent.add(place);
    }
    this.#day = { midnight, settledUntil: until, recent: stillRecent, totals };
    return { ...totals };
  }

  async #sum(since: number, until: number): Promise<SpentTotals> {
    const totals = { ...nothingSpent };
    for (let from = since; from < until; from += partMs) {
      addTotals(totals, await this.#store.spent({ since: from, until: Math.min(from + partMs, until) }));
    }
    return totals;
  }
}

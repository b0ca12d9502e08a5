import type { ChatStore, SpentTotals } from "../../core/chat-store.js";
import { ClockWatch, type WatchedClocks } from "./clock-watch.js";
import { midnightBefore } from "./turn-limits.js";

/**
 * Longest time, in ms, from an event's time until the event can be read in the log. A host gives an event its time and then tries for
 * `chat.storage.retry_timeout` (30 seconds by default) to store it.
 */
const settleMs = 5 * 60_000;
/**
 * How far the clock may be set, in ms, without a new count. If it is set back less, the events that follow still lie within `settleMs`. The
 * clock also seems set forward after the machine was suspended; requests of before may then be stored late.
 */
const toleranceMs = 15_000;

interface CountedDay {
  midnight: number;
  /** Every request before this time is counted. */
  settledUntil: number;
  /** The places of the counted requests since `settledUntil`. */
  recent: ReadonlySet<string>;
  totals: SpentTotals;
}

/**
 * The totals of all requests since midnight, in all conversations and on all hosts, for the limits of a day. Each read asks the log only
 * for the requests of the last minutes. The first read of a day sums up the day so far. A request that was counted stays counted until
 * midnight, even if its conversation is deleted.
 */
export class DaySpent {
  readonly #store: Pick<ChatStore, "spent" | "spendings">;
  readonly #now: () => number;
  readonly #clock: ClockWatch;
  #day: CountedDay | undefined;
  /** The read that will begin when the current one has ended. */
  #next: Promise<SpentTotals> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `clocks.now`: the clock that gives events their times. */
  constructor(store: Pick<ChatStore, "spent" | "spendings">, clocks: WatchedClocks) {
    this.#store = store;
    this.#now = clocks.now;
    this.#clock = new ClockWatch(clocks, toleranceMs);
  }

  /**
   * Returns the totals, including everything that was stored before this call. Concurrent callers share a read, but never one that had
   * begun before their call. Rejects with StoreError.
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

  async #read(): Promise<SpentTotals> {
    const now = this.#now();
    const midnight = midnightBefore(now);
    const settledUntil = Math.max(midnight, now - settleMs);
    // If the clock was set, new events may have times that are already counted.
    if (this.#clock.look().isSet || this.#day?.midnight !== midnight) this.#day = undefined;
    this.#day ??= { midnight, settledUntil, recent: new Set(), totals: await this.#sum(midnight, settledUntil) };
    const { recent, totals, ...before } = this.#day;
    const until = Math.max(before.settledUntil, settledUntil);
    const stillRecent = new Set<string>();
    for (const { place, at, ...spent } of await this.#store.spendings(before.settledUntil)) {
      if (!recent.has(place)) add(totals, spent);
      if (at >= until) stillRecent.add(place);
    }
    this.#day = { midnight, settledUntil: until, recent: stillRecent, totals };
    return { ...totals };
  }

  async #sum(since: number, until: number): Promise<SpentTotals> {
    if (since === until) return { tokens: 0, usd: 0, unpriced: 0, estimated: 0 };
    return this.#store.spent({ since, until });
  }
}

function add(totals: SpentTotals, spent: SpentTotals): void {
  for (const key of ["tokens", "usd", "unpriced", "estimated"] as const) totals[key] += spent[key];
}

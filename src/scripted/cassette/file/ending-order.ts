/** Makes concurrent calls end in the recorded order during a replay, because the host stores results in the order in which calls end. */
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { type CallEntry, type Entry, isExchange } from "./format.js";

/**
 * Longest time, in ms, that a finished call waits until another call has begun. It waits for each call that ended before it in the
 * recording; without a limit, it would wait for ever if that call is never made.
 */
const longestBeginMs = 1000;

interface OrderedEntry {
  index: number;
  ended: number;
  state: "idle" | "running" | "over";
}

/** Returns the recorded calls to servers, in the order in which they began. */
export function recordedCallsIn(entries: readonly Entry[]): CallEntry[] {
  return entries.filter((entry): entry is CallEntry => isExchange(entry) && "mcp" in entry);
}

export class EndingOrder {
  readonly #calls: ReadonlyMap<CallEntry, OrderedEntry>;
  #changed: Promise<void> = Promise.resolve();
  #change: () => void = () => {};

  constructor(entries: readonly Entry[]) {
    this.#calls = new Map(
      recordedCallsIn(entries).map((entry, index) => [entry, { index, ended: entry.ended ?? index, state: "idle" }]),
    );
    this.#renew();
  }

  /** Runs `work`. Resolves with its result, but not before all calls have ended that ended earlier in the recording. */
  async during<T>(entry: CallEntry, work: () => Promise<T>): Promise<T> {
    const own = this.#calls.get(entry);
    this.#become(own, "running");
    try {
      const done = await work();
      if (own) await this.#turnOf(own);
      return done;
    } finally {
      this.#become(own, "over");
    }
  }

  async #turnOf(own: OrderedEntry): Promise<void> {
    const late = new AbortController();
    let isLate = false;
    const inTime = pause(longestBeginMs, undefined, { signal: late.signal }).then(
      () => {
        isLate = true;
      },
      () => {},
    );
    const isWaitedFor = ({ index, ended, state }: OrderedEntry) =>
      ended < own.ended && (state === "running" || (state === "idle" && index > own.index && !isLate));
    while ([...this.#calls.values()].some(isWaitedFor)) {
      await Promise.race(isLate ? [this.#changed] : [this.#changed, inTime]);
      await setImmediate(); // lets the host react to the other call's end
    }
    late.abort();
  }

  #become(placed: OrderedEntry | undefined, state: OrderedEntry["state"]): void {
    if (placed) placed.state = state;
    this.#change();
    this.#renew();
  }

  #renew(): void {
    this.#changed = new Promise((resolve) => {
      this.#change = resolve;
    });
  }
}

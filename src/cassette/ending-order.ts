/** Concurrent calls end in the recorded order, because the first to end is stored first. */
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { type CallEntry, type Entry, isExchange } from "./format.js";

/**
 * How long replay waits for calls that were recorded as concurrent to start. A call that is never made delays others no longer than this.
 */
const longestBeginMs = 1000;

interface Placed {
  index: number;
  ended: number;
  state: "idle" | "running" | "over";
}

/** Returns the session's requests to servers, in the order in which they began. */
export function callsIn(entries: readonly Entry[]): CallEntry[] {
  return entries.filter((entry): entry is CallEntry => isExchange(entry) && "mcp" in entry);
}

export class EndingOrder {
  readonly #calls: ReadonlyMap<CallEntry, Placed>;
  #changed: Promise<void> = Promise.resolve();
  #change: () => void = () => {};

  constructor(entries: readonly Entry[]) {
    this.#calls = new Map(
      callsIn(entries).map((entry, index) => [entry, { index, ended: entry.ended ?? index, state: "idle" }]),
    );
    this.#renew();
  }

  /** Runs `work` and resolves with its result once it is the call's turn to end. */
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

  async #turnOf(own: Placed): Promise<void> {
    const late = new AbortController();
    let isLate = false;
    const inTime = pause(longestBeginMs, undefined, { signal: late.signal }).then(
      () => {
        isLate = true;
      },
      () => {},
    );
    const isWaitedFor = ({ index, ended, state }: Placed) =>
      ended < own.ended && (state === "running" || (state === "idle" && index > own.index && !isLate));
    while ([...this.#calls.values()].some(isWaitedFor)) {
      await Promise.race(isLate ? [this.#changed] : [this.#changed, inTime]);
      await setImmediate(); // lets the host react to the other call's end
    }
    late.abort();
  }

  #become(placed: Placed | undefined, state: Placed["state"]): void {
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

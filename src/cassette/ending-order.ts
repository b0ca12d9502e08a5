/** Calls that run at once end in the order in which they did: what comes first is stored first. */
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { type CallEntry, type Entry, isExchange } from "./format.js";

/** For calls that were begun together to begin. One that is not made at all keeps no other one waiting for longer. */
const longestBeginMs = 1000;

interface Placed {
  index: number;
  ended: number;
  state: "idle" | "running" | "over";
}

/** The requests of the session to servers, in the order in which they began. */
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

  /** Resolves to what the work does, once it is its turn to end. */
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
      await setImmediate(); // for what the host does about the other one's end
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

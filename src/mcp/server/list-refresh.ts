/** Reads a server's lists again when they may have changed. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../core/errors.js";
import { abortable, atMost } from "../shared/wait.js";
import type { KeptConnection } from "./kept-connection.js";
import type { OfferedLists } from "./offered-lists.js";
import type { Condition } from "./server-condition.js";

/**
 * Time in ms from the start to a second read of the lists. Some servers register tools only after `initialized`, and announce them before
 * the HTTP notification stream is open (server-everything), so the announcement is lost.
 */
const secondListMs = 500;
/** Longest time in ms that a turn waits until stale lists have been read again. After that the turn uses the old lists. */
const staleListMs = 2000;
/**
 * Delay in ms from the announcement of a change to the read of the lists. Announcements come in bursts, and one read is enough for a burst.
 */
const debounceMs = 100;
/**
 * Longest delay. The delay doubles with each read while the server announces changes without a break: a read of 5,000 tools blocks the host
 * for some 300 ms, and a server may announce ten changes a second.
 */
const maxDebounceMs = 10_000;
/** Time in ms without an announcement after which the delay is `debounceMs` again. */
const quietMs = 20_000;

interface ListRefreshParts {
  offered: OfferedLists;
  condition: Condition;
  kept: KeptConnection;
  /** True if the server answers at once (`ServerTransport`), so that delays are needless. */
  isInstant: boolean;
  /** Returns the time in ms of a clock that never goes back. */
  now?: () => number;
  pause?: Pause;
}

type Pause = (ms: number, signal: AbortSignal) => Promise<unknown>;

const realPause: Pause = (ms, signal) => sleep(ms, undefined, { signal });

export class ListRefresh {
  readonly #parts: ListRefreshParts;
  readonly #now: () => number;
  readonly #soon: (delayMs: () => number) => void;
  #debounceMs = debounceMs;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: ListRefreshParts) {
    const { now = () => performance.now(), pause = realPause, kept } = parts;
    this.#parts = parts;
    this.#now = now;
    this.#soon = coalesced(() => this.#listAgain(), { pause, signal: kept.closing });
  }

  scheduleReread(): void {
    const now = this.#now();
    if (now - this.#changedAt > quietMs) this.#debounceMs = debounceMs;
    this.#changedAt = now;
    this.#soon(() => this.#nextDelayMs());
  }

  #nextDelayMs(): number {
    if (this.#parts.isInstant) return 0;
    const delayMs = this.#debounceMs;
    this.#debounceMs = Math.min(delayMs * 2, maxDebounceMs);
    return delayMs;
  }

  /** Schedules a second read of the lists after the start. The first read may have been too early. */
  scheduleSecondRead(): void {
    const { kept, isInstant } = this.#parts;
    if (kept.current?.changesLists && !isInstant) this.#soon(() => secondListMs);
  }

  /** If the server may change its lists, waits a moment and reads them again. */
  async rereadAfterPause(signal: AbortSignal): Promise<void> {
    if (!this.#parts.kept.current?.changesLists) return;
    await sleep(secondListMs, undefined, { signal });
    await abortable(this.#listAgain(), signal);
  }

  /** Reads the lists again if they are stale. Rejects only with the reason of the signal. */
  async rereadIfStale(signal?: AbortSignal): Promise<void> {
    if (this.#parts.kept.current?.areListsStale) await abortable(atMost(this.#listAgain(), staleListMs), signal);
  }

  /** Reads the lists again. Never rejects: a failure is only logged. */
  async #listAgain(): Promise<void> {
    const { kept, offered, condition } = this.#parts;
    const connection = kept.current;
    try {
      const lists = await connection?.lists(kept.closing);
      if (lists && connection === kept.current) offered.take(lists, connection?.serverVersion);
    } catch (error) {
      if (connection !== kept.current || kept.closing.aborted) return;
      condition.log("warn", `the lists could not be read again: ${messageOf(error)}`);
    }
  }
}

/**
 * Returns a function that schedules a run of the task after a delay. Runs never overlap. Calls during a run lead to one more run after it,
 * with the delay of the latest call. No run starts after `signal` aborts.
 */
function coalesced(
  task: () => Promise<void>,
  { pause, signal }: { pause: Pause; signal: AbortSignal },
): (delayMs: () => number) => void {
  let wanted: (() => number) | undefined;
  let isBusy = false;
  const work = async () => {
    while (wanted) {
      await pause(wanted(), signal);
      wanted = undefined;
      await task();
    }
  };
  return (delayMs) => {
    wanted = delayMs;
    if (isBusy || signal.aborted) return;
    isBusy = true;
    const done = () => {
      isBusy = false;
    };
    work().then(done, done);
  };
}

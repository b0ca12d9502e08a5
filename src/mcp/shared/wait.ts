import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { longestTimerMs } from "../../core/async/timers.js";
import { waitText } from "../../core/text/durations.js";

/**
 * Settles like the promise. If the signal aborts first, rejects with the signal's reason; the promise is then ignored, even if it rejects.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  promise.catch(() => {});
  signal?.throwIfAborted();
  if (signal) setMaxListeners(Number.POSITIVE_INFINITY, signal); // all calls of a turn may wait with its signal, so Node's warning is switched off
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    done.abort();
  }
}

/** Waits for the promise, but not longer than `ms`. Rejects if the promise rejects in that time. */
export async function atMost(promise: Promise<unknown>, ms: number): Promise<void> {
  const done = new AbortController();
  const late = sleep(Math.min(ms, longestTimerMs), undefined, { signal: done.signal }).catch(() => {});
  try {
    await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}

/**
 * Runs the work with a signal that aborts when the given signal aborts, or after `ms`. AbortSignal.any with AbortSignal.timeout is not
 * used: nothing holds a reference to that timeout, so Node 20 may collect it, and then it never fires.
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${waitText(ms)}`)),
    Math.min(ms, longestTimerMs),
  );
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

export class RunningCalls {
  #count = 0;
  #ended: () => void = () => {};

  get any(): boolean {
    return this.#count > 0;
  }

  began(): void {
    this.#count += 1;
  }

  ended(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#ended();
  }

  /** Resolves when no call is running any more. */
  async untilIdle(): Promise<void> {
    while (this.any) {
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    }
  }
}

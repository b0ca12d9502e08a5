import { setTimeout as sleep } from "node:timers/promises";
import { longestTimerMs } from "../core/timers.js";

/** Settles like the promise, or rejects with the signal's reason if that comes first; then ignores the promise's later rejection. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  promise.catch(() => {});
  signal?.throwIfAborted();
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

/** Resolves once the promise does, or after `ms`. Rejects if the promise does. */
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
 * Runs the work under a signal that aborts with the given one, or after `ms`. AbortSignal.any over AbortSignal.timeout would not do:
 * nothing holds that timeout, and once it is collected (Node 20) it never fires.
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
    () => controller.abort(new Error(`no answer within ${ms / 1000} s`)),
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

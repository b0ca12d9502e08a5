/** Notices that a server is silent, and decides when the next attempt to start it follows. */
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../shared/wait.js";

const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** Time in ms. A connection that lasted longer counts as a success, and the next pause is short again. */
const stableMs = 30_000;

/**
 * The pauses between attempts to start a server. The first pause is 0.5 s. Each failure in a row doubles the pause, up to a minute. A
 * server whose failure may pass (`retryable`) is tried without end: the database or network that it needs may come back at any time, and one
 * attempt a minute costs little.
 */
export class Backoff {
  #failures = 0;

  /** Counts a failure and returns the pause before the next attempt. */
  nextPauseMs(): number {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    return ms;
  }

  held(ms: number): void {
    if (ms > stableMs) this.#failures = 0;
  }
}

interface PingOptions {
  ping(signal: AbortSignal): Promise<void>;
  /** Returns true while the server handles a call. A busy server is not pinged, because some servers can do only one thing at a time. */
  isBusy(): boolean;
  intervalMs: number;
  signal: AbortSignal;
  answered(ms: number): void;
}

const longestAnswerMs = 10_000;
const maxSilences = 2;

/** Pings the server at intervals. Resolves after two pings in a row without an answer. Rejects when the signal aborts. */
export async function untilSilent({ ping, isBusy, intervalMs, signal, answered }: PingOptions): Promise<void> {
  for (let silences = 0; silences < maxSilences; ) {
    await sleep(intervalMs, undefined, { signal, ref: false });
    if (isBusy()) continue;
    const askedAt = performance.now();
    try {
      await within(Math.min(intervalMs, longestAnswerMs), signal, ping);
      answered(performance.now() - askedAt);
      silences = 0;
    } catch {
      signal.throwIfAborted();
      silences = isBusy() ? 0 : silences + 1;
    }
  }
}

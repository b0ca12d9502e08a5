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

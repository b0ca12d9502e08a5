const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** A connection that held longer than this resets the pause. */
const stableMs = 30_000;

/**
 * Pauses between the starts of a server: 0.5 s, doubled with every failure in a row, at most a minute. They never end: what a server needs
 * (its database, the network) may come back at any time, and a start a minute costs little.
 */
export class Backoff {
  #failures = 0;

  /** Counts a failure and returns the pause after it. */
  nextPauseMs(): number {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    return ms;
  }

  held(ms: number): void {
    if (ms > stableMs) this.#failures = 0;
  }
}

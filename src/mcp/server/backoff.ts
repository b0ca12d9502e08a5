const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** A connection that lasted longer than this resets the pause to its first length. */
const stableMs = 30_000;

/**
 * Pauses between the attempts to start a server: 0.5 s, doubled with every failure in a row, at most a minute. The attempts never stop: the
 * database or network that a server needs may come back at any time, and one start per minute costs little.
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

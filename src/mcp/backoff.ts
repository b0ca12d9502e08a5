const firstPauseMs = 500;
const longestPauseMs = 60_000;
/** A connection that held this long makes the next pause a first one. */
const stableMs = 30_000;

/**
 * Pauses between the starts of a server: 0.5 s, doubled with every failure in a row, at most a minute. There is no last one: what a
 * server needs (its database, the network) may come back at any time, and a start a minute costs little.
 */
export class Backoff {
  #failures = 0;

  /** Of the failure that has just happened. */
  nextPauseMs(): number {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    return ms;
  }

  /** How long the connection held that is lost now. */
  held(ms: number): void {
    if (ms > stableMs) this.#failures = 0;
  }
}

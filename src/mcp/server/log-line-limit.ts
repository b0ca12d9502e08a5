/**
 * Maximum number of lines that one server may write into the host's log in a burst; after a burst, the limit is `linesPerSecond`. The
 * server's own log file gets all lines.
 */
const linesAtOnce = 100;
const linesPerSecond = 10;

/** Limits the lines that one server writes into the host's log. */
export class LogLineLimit {
  readonly #now: () => number;
  #linesLeft = linesAtOnce;
  #countedAt: number;
  #linesDropped = 0;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
    this.#countedAt = now();
  }

  /**
   * Counts one more line. Returns undefined if the line must be dropped, because the server writes too fast. Otherwise returns the number of
   * lines that were dropped since the last line that was not.
   */
  next(): { dropped: number } | undefined {
    const now = this.#now();
    const more = ((now - this.#countedAt) / 1000) * linesPerSecond;
    this.#linesLeft = Math.min(linesAtOnce, this.#linesLeft + more);
    this.#countedAt = now;
    if (this.#linesLeft < 1) {
      this.#linesDropped += 1;
      return undefined;
    }
    this.#linesLeft -= 1;
    const dropped = this.#linesDropped;
    this.#linesDropped = 0;
    return { dropped };
  }
}

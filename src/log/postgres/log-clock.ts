/**
 * Tolerated difference, in ms, between this machine's clock and the database's clock. A smaller difference may just be the time that the
 * database took to answer. A larger one means that one of the clocks is wrong.
 */
const toleranceMs = 1_000;

/**
 * This machine's clock, corrected to the database's clock if the two differ by more than a second. Without the correction, a host with a
 * wrong clock would write events that look too old to other hosts, and would delete events of other hosts as too old.
 */
export class LogClock {
  readonly #now: () => number;
  #offsetMs = 0;

  /** `now` is this machine's clock. All times are in ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now() + this.#offsetMs;

  /** Corrects the clock. `time` is the time that the database has just reported. */
  heard(time: number): void {
    const offsetMs = time - this.#now();
    if (Math.abs(offsetMs - this.#offsetMs) <= toleranceMs) return;
    this.#offsetMs = Math.abs(offsetMs) <= toleranceMs ? 0 : offsetMs;
  }
}

/** Largest clock difference that is taken for the way to the database, and not for another time. */
const toleranceMs = 1_000;

/**
 * The database's clock, used where this machine's clock differs from it by more than a second. A host with a wrong clock would otherwise
 * write events that look too old to others, and delete theirs as too old.
 */
export class LogClock {
  readonly #now: () => number;
  #offsetMs = 0;

  /** Takes `now`, this machine's clock. All times are ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now() + this.#offsetMs;

  /** Corrects the clock by the time that the database has just reported. */
  heard(time: number): void {
    const offsetMs = time - this.#now();
    if (Math.abs(offsetMs - this.#offsetMs) <= toleranceMs) return;
    this.#offsetMs = Math.abs(offsetMs) <= toleranceMs ? 0 : offsetMs;
  }
}

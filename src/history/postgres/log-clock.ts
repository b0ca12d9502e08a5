/** What counts as the way to the database and not as another time. */
const toleranceMs = 1_000;

/**
 * The time by the clock of the database, as far as this machine's differs from it by more than a second. Of hosts that share a log one may have a
 * wrong clock: what it writes would look too old, and what others have written would look old to it, and be deleted.
 */
export class LogClock {
  readonly #now: () => number;
  #offsetMs = 0;

  /** `now`: this machine's clock. All times are milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now() + this.#offsetMs;

  /** The database has just said that it is this time. */
  heard(time: number): void {
    const offsetMs = time - this.#now();
    if (Math.abs(offsetMs - this.#offsetMs) <= toleranceMs) return;
    this.#offsetMs = Math.abs(offsetMs) <= toleranceMs ? 0 : offsetMs;
  }
}

/** The clocks that `ClockWatch` compares. */
export interface WatchedClocks {
  /** A clock that can be set, in ms since the epoch. */
  now: () => number;
  /** A clock that cannot be set, in ms. Default: `performance.now`. */
  steadyNow?: () => number;
}

/** Notices when a clock was set, by comparing it with a clock that cannot be set. */
export class ClockWatch {
  readonly #now: () => number;
  readonly #steadyNow: () => number;
  readonly #toleranceMs: number;
  /** Both times at the first look or, if the clock was set later, at the look that noticed it. */
  #since: { wall: number; steady: number } | undefined;

  /** `toleranceMs`: the largest difference between the times that passed on the clocks which does not count as setting the clock. */
  constructor({ now, steadyNow = () => performance.now() }: WatchedClocks, toleranceMs: number) {
    this.#now = now;
    this.#steadyNow = steadyNow;
    this.#toleranceMs = toleranceMs;
  }

  /** Returns whether the clock was set since the last look, and for how long it has run since without being set. */
  look(): { isSet: boolean; undisturbedMs: number } {
    const [wall, steady] = [this.#now(), this.#steadyNow()];
    this.#since ??= { wall, steady };
    const isSet = Math.abs(wall - this.#since.wall - (steady - this.#since.steady)) > this.#toleranceMs;
    if (isSet) this.#since = { wall, steady };
    return { isSet, undisturbedMs: steady - this.#since.steady };
  }
}

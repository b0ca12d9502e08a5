/**
 * Tolerated difference, in ms, from the database's clock. A smaller difference may just be the time that the database took to answer. A larger
 * one means that one of the clocks is wrong.
 */
const toleranceMs = 1_000;

/**
 * This machine's clock at the start, corrected to the database's clock if the two differ by more than a second. Without the correction, a host
 * with a wrong clock would write events that look too old to other hosts, and would delete events of other hosts as too old. Later, only the
 * steady clock is read: if this machine's clock was set, events that are stored before the next heartbeat would get wrong times. After this
 * machine has slept, the time is late until the next heartbeat.
 */
export class LogClock {
  readonly #steady: () => number;
  /** The time of the log at which the steady clock was 0. */
  #offsetMs: number;

  /** `now` is this machine's clock, in ms since the epoch. */
  constructor(now: () => number, steady: () => number = () => performance.now()) {
    this.#steady = steady;
    this.#offsetMs = now() - steady();
  }

  readonly now = (): number => Math.round(this.#steady() + this.#offsetMs);

  /** Corrects the clock. `time` is the time that the database has just reported. */
  correct(time: number): void {
    const offsetMs = time - this.#steady();
    if (Math.abs(offsetMs - this.#offsetMs) > toleranceMs) this.#offsetMs = offsetMs;
  }
}

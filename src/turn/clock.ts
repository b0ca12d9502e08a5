/** Clock for the running time of a turn. It stops while the turn waits for a person to answer. */
export class TurnClock {
  readonly #now: () => number;
  readonly #startedAt: number;
  #waiting = 0;
  #stoppedAt = 0;
  #stoppedMs = 0;

  /** Starts the clock. `now` returns the current time in ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
  }

  get elapsedMs(): number {
    const until = this.#waiting > 0 ? this.#stoppedAt : this.#now();
    return until - this.#startedAt - this.#stoppedMs;
  }

  /** Runs `wait` and stops the clock meanwhile. If several waits overlap, the clock runs again when all of them have ended. */
  async stopDuring<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#stoppedAt = this.#now();
    try {
      return await wait();
    } finally {
      if (--this.#waiting === 0) this.#stoppedMs += this.#now() - this.#stoppedAt;
    }
  }
}

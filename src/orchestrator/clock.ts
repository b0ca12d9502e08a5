/** Wall time of a turn, without the time that a person takes to answer. */
export class TurnClock {
  readonly #now: () => number;
  readonly #startedAt: number;
  #waiting = 0;
  #stoppedAt = 0;
  #stoppedMs = 0;

  /** Starts the clock. `now`: in ms. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
  }

  get elapsedMs(): number {
    const until = this.#waiting > 0 ? this.#stoppedAt : this.#now();
    return until - this.#startedAt - this.#stoppedMs;
  }

  /** Stops the clock while at least one question waits for its answer. */
  async stopDuring<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#stoppedAt = this.#now();
    try {
      return await wait();
    } finally {
      if (--this.#waiting === 0) this.#stoppedMs += this.#now() - this.#stoppedAt;
    }
  }
}

const leastWaitMs = 50;

/** The requests of this node that wait for a slot. The request that came first is admitted first. */
export class Line {
  readonly #clock: () => number;
  readonly #onLeave: () => void;
  readonly #waiting = new Set<() => void>();

  /** `clock` returns a time in ms; it may stand still. `onLeave` is called when a request gives up waiting. */
  constructor(clock: () => number, onLeave: () => void) {
    this.#clock = clock;
    this.#onLeave = onLeave;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Waits until the request is admitted. Rejects with the signal's reason. Rejects with `tooLong()` after `patienceMs`, measured with
   * `clock`.
   */
  join(signal: AbortSignal, patienceMs: number, tooLong: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const arrivedAt = this.#clock();
      let timer: NodeJS.Timeout | undefined;
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#waiting.delete(admit);
      };
      const admit = () => {
        leave();
        resolve();
      };
      const giveUp = (reason: unknown) => {
        leave();
        reject(reason);
        this.#onLeave();
      };
      const abort = () => giveUp(signal.reason);
      const watch = () => {
        const leftMs = arrivedAt + patienceMs - this.#clock();
        if (leftMs <= 0) giveUp(tooLong());
        else timer = setTimeout(watch, Math.max(leftMs, leastWaitMs));
      };
      this.#waiting.add(admit);
      signal.addEventListener("abort", abort);
      if (patienceMs !== Number.POSITIVE_INFINITY) timer = setTimeout(watch, patienceMs);
    });
  }

  admitFirst(): void {
    const [first] = this.#waiting;
    first?.();
  }
}

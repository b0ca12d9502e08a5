const leastWaitMs = 50;

/** Requests that wait for a slot on this node, first come, first served. */
export class Line {
  readonly #clock: () => number;
  readonly #onLeave: () => void;
  readonly #waiting = new Set<() => void>();

  /** Takes `clock`, in ms, which may stand still, and `onLeave`, called when a request leaves without a slot. */
  constructor(clock: () => number, onLeave: () => void) {
    this.#clock = clock;
    this.#onLeave = onLeave;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Waits to be admitted. Rejects with the signal's reason, or with `tooLong()` once the clock has advanced by `patienceMs`. */
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

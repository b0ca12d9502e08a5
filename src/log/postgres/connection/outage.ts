/** Tracks whether the shared database can be reached, and provides a clock that stands still while it cannot. */
export class Outage {
  readonly #now: () => number;
  readonly #onChange: (isAway: boolean, why: unknown) => void;
  #since: number | undefined;
  #lostMs = 0;

  /** `now` is a monotonic clock, in ms. */
  constructor(now: () => number, onChange: (isAway: boolean, why: unknown) => void) {
    this.#now = now;
    this.#onChange = onChange;
  }

  get isAway(): boolean {
    return this.#since !== undefined;
  }

  /** Returns a time in ms that is used to measure durations. Time that passes during an outage is not counted. */
  readonly clock = (): number => (this.#since ?? this.#now()) - this.#lostMs;

  began(why: unknown): void {
    if (this.#since !== undefined) return;
    this.#since = this.#now();
    this.#onChange(true, why);
  }

  ended(): void {
    if (this.#since === undefined) return;
    this.#lostMs += this.#now() - this.#since;
    this.#since = undefined;
    this.#onChange(false, undefined);
  }
}

interface Key {
  /** Undefined: the provider has no key, and is asked without. */
  value: string | undefined;
  restsUntil: number;
}

/** A provider's keys, used in turn. One that the provider refused, or that is used up, rests while another one works. */
export class KeyRing {
  readonly #keys: readonly Key[];
  readonly #now: () => number;
  #position = 0;

  /** `now`: milliseconds since the epoch. */
  constructor(values: readonly string[], now: () => number) {
    this.#now = now;
    const all = values.length > 0 ? values : [undefined];
    this.#keys = all.map((value) => ({ value, restsUntil: Number.NEGATIVE_INFINITY }));
  }

  /** The next key in turn that does not rest; when all do, the one that is ready first. */
  next(): string | undefined {
    if (this.#keys.length === 1) return this.#keys[0]?.value;
    const now = this.#now();
    const inTurn = this.#keys.map((_, offset) => (this.#position + offset) % this.#keys.length);
    const restOf = (index: number) => Math.max(now, this.#keys[index]?.restsUntil ?? now);
    const chosen = inTurn.reduce((best, index) => (restOf(index) < restOf(best) ? index : best));
    this.#position = chosen + 1;
    return this.#keys[chosen]?.value;
  }

  /**
   * Lets a key rest until that time, `Infinity` for good. The last one that is not gone for good stays: the provider itself
   * shall say what is wrong, and be heard when it has changed its mind. Returns whether another key is ready now.
   */
  rest(value: string | undefined, untilMs: number): boolean {
    const now = this.#now();
    const others = this.#keys.filter((key) => key.value !== value);
    const key = this.#keys.find((candidate) => candidate.value === value);
    if (key && others.some(({ restsUntil }) => restsUntil < Number.POSITIVE_INFINITY)) key.restsUntil = untilMs;
    return others.some(({ restsUntil }) => restsUntil <= now);
  }

  /** Where the key is in the list, counted from 1: how logs name it. */
  numberOf(value: string | undefined): number {
    return this.#keys.findIndex((key) => key.value === value) + 1;
  }
}

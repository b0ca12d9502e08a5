import { createHash } from "node:crypto";

interface Key {
  /** Undefined if the provider is asked without a key. */
  value: string | undefined;
  restsUntil: number;
}

/**
 * A provider's API keys. A conversation uses the same key on every host: keys may belong to several accounts, and stored reasoning and
 * prompt caches are valid for one account only. Requests without a conversation use the keys in turn. A refused or used-up key is not used
 * for a while if another key works.
 */
export class KeyRing {
  readonly #keys: readonly Key[];
  readonly #now: () => number;
  #position = 0;

  /** `now` returns the time in ms of a clock that never goes back. */
  constructor(values: readonly string[], now: () => number) {
    this.#now = now;
    const all = values.length > 0 ? values : [undefined];
    this.#keys = all.map((value) => ({ value, restsUntil: Number.NEGATIVE_INFINITY }));
  }

  /**
   * Returns the key of the conversation, or the next key in turn if there is no conversation. Skips resting keys. If all keys rest, returns
   * the key that is ready first.
   */
  next(conversation?: string): string | undefined {
    const { length } = this.#keys;
    if (length === 1) return this.#keys[0]?.value;
    const now = this.#now();
    const first = conversation === undefined ? this.#position : numberOfText(conversation);
    const inTurn = this.#keys.map((_, offset) => (first + offset) % length);
    const restOf = (index: number) => Math.max(now, this.#keys[index]?.restsUntil ?? now);
    const chosen = inTurn.reduce((best, index) => (restOf(index) < restOf(best) ? index : best));
    if (conversation === undefined) this.#position = chosen + 1;
    return this.#keys[chosen]?.value;
  }

  /**
   * Lets a key rest until `untilMs`; `Infinity` means for good. The last usable key never rests: the key is tried with every request, so
   * that the provider's own error says what is wrong. Returns true if another key is ready now.
   */
  rest(value: string | undefined, untilMs: number): boolean {
    const now = this.#now();
    const others = this.#keys.filter((key) => key.value !== value);
    const key = this.#keys.find((candidate) => candidate.value === value);
    if (key && others.some(({ restsUntil }) => restsUntil < Number.POSITIVE_INFINITY)) key.restsUntil = untilMs;
    return others.some(({ restsUntil }) => restsUntil <= now);
  }

  numberOf(value: string | undefined): number {
    return this.#keys.findIndex((key) => key.value === value) + 1;
  }
}

function numberOfText(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE();
}

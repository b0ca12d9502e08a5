/** What is kept by an object, unseen, for as long as the object is there. */
export interface KeptBy<Key extends object, Value> {
  get(key: Key): Value | undefined;
  /** Keeps nothing where nothing can be added to the object: it is to be made anew then. */
  set(key: Key, value: Value): void;
}

/**
 * As a WeakMap, for objects that come and go: the value is a private field of its key (https://github.com/tc39/proposal-private-fields-in-in,
 * "branding"). A collection of young objects takes what stands in an old WeakMap for alive; the texts of a turn of ten hops cost four times
 * as much in one (63 against 16 µs, Node 20).
 */
export function keptBy<Key extends object, Value>(): KeptBy<Key, Value> {
  return class Kept extends Itself {
    #value: Value;

    private constructor(key: Key, value: Value) {
      super(key);
      this.#value = value;
    }

    static get(key: Key): Value | undefined {
      return #value in key ? key.#value : undefined;
    }

    static set(key: Key, value: Value): void {
      if (#value in key) key.#value = value;
      else if (Object.isExtensible(key)) new Kept(key, value);
    }
  };
}

/** Fields of a class that extends this one are those of the object that it is made of. */
class Itself {
  constructor(key: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what this class is for.
    return key;
  }
}

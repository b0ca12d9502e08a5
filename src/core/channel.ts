/** Items that are handed over in one go; then whatever else waits in this process has its turn. */
const longestBurst = 256;

interface ChannelParts {
  /** Called when the first item is asked for. */
  begin?: () => void;
  /** Called when no item will be asked for any more. */
  left?: () => void;
}

/**
 * Not an object literal: those that live until the next item, where hundreds of channels wait, V8 comes to make in its old generation, and
 * each would keep alive there what it has resolved.
 */
class Asked<T> {
  /** Who asked after it. */
  after: Asked<T> | undefined;

  constructor(
    readonly resolve: (result: IteratorResult<T, undefined>) => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/**
 * A queue between a producer that calls and one consumer that iterates. What is ready is handed over without a pause, so a
 * burst costs one wake-up, but not for so long that timers and sockets would starve. Unbounded: the producers here are one turn's deltas
 * and tool results. The iterator is written by hand: an async generator takes three times as long for each item.
 */
export class Channel<T> implements AsyncGenerator<T, undefined> {
  readonly #parts: ChannelParts;
  /** Those before `#next` were handed over. */
  #items: T[] = [];
  #next = 0;
  #burst = 0;
  #isPausing = false;
  /** The first call of `next` that waits for its item. There is seldom another: a list would take more memory than the rest of a channel. */
  #asked: Asked<T> | undefined;
  #hasBegun = false;
  #isOver = false;
  #failure: { error: unknown } | undefined;

  constructor(parts: ChannelParts = {}) {
    this.#parts = parts;
  }

  push(item: T): void {
    if (this.#isOver) return;
    // Who waits for the only item gets it: a stream that is read as fast as it comes needs no queue.
    if (this.#asked && !this.#isReady && !this.#isPausing) {
      this.#burst = 0;
      this.#served()?.resolve({ done: false, value: item });
    } else this.#items.push(item);
  }

  /** Ends the iteration after the items pushed so far; with an error, by throwing it. */
  close(failure?: { error: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#serve();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#hasBegun && !this.#isOver) {
      this.#hasBegun = true;
      this.#parts.begin?.();
    }
    if (!this.#asked && this.#isReady && this.#burst < longestBurst) return Promise.resolve(this.#taken());
    return new Promise((resolve, reject) => {
      this.#wait(new Asked(resolve, reject));
      this.#serve();
    });
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }

  get #isReady(): boolean {
    return this.#next < this.#items.length;
  }

  #wait(asked: Asked<T>): void {
    let last = this.#asked;
    while (last?.after) last = last.after;
    if (last) last.after = asked;
    else this.#asked = asked;
  }

  #served(): Asked<T> | undefined {
    const asked = this.#asked;
    this.#asked = asked?.after;
    return asked;
  }

  #serve(): void {
    while (this.#asked && !this.#isPausing) {
      if (this.#isReady && this.#burst >= longestBurst) this.#pause();
      else if (this.#isReady) this.#served()?.resolve(this.#taken());
      else if (this.#isOver) this.#end();
      else {
        this.#burst = 0;
        return;
      }
    }
  }

  #pause(): void {
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      this.#burst = 0;
      this.#serve();
    });
  }

  #taken(): IteratorResult<T, undefined> {
    this.#burst++;
    const value = this.#items[this.#next++] as T;
    if (!this.#isReady) {
      this.#items = [];
      this.#next = 0;
    }
    return { done: false, value };
  }

  /** Of the first one that asks for more than there is. */
  #end(): void {
    const failure = this.#failure;
    const asked = this.#served();
    this.#leave();
    if (failure) asked?.reject(failure.error);
    else asked?.resolve({ done: true, value: undefined });
  }

  #leave(): void {
    this.#isOver = true;
    this.#failure = undefined;
    this.#items = [];
    this.#next = 0;
    if (this.#hasBegun) this.#parts.left?.();
    this.#hasBegun = false;
    this.#serve();
  }
}

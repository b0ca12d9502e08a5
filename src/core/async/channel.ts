/** Maximum number of items handed over in a row before other work of the event loop can run. */
const longestBurst = 256;

interface ChannelParts {
  /** Called when the first item is requested. */
  begin?: () => void;
  /** Called when no further item will be requested. */
  left?: () => void;
}

/**
 * A waiting call of `next`. It is a class, because V8 allocates object literals in its old generation once hundreds of channels wait. Such
 * a literal would stay in memory for long, and with it the item that the call was resolved with.
 */
class WaitingCall<T> {
  /** The waiting call that was made after this one. */
  after: WaitingCall<T> | undefined;

  constructor(
    readonly resolve: (result: IteratorResult<T, undefined>) => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/**
 * A queue between a producer that calls `push` and one consumer that iterates. Items that are ready are handed over one after another, so
 * that a burst wakes the consumer only once. After `longestBurst` items, the channel pauses so that timers and sockets are served. The
 * length of the queue is not limited, because it holds only one turn's deltas and tool results. The iterator is written by hand, because an
 * async generator would take three times as long per item.
 */
export class Channel<T> implements AsyncGenerator<T, undefined> {
  readonly #parts: ChannelParts;
  /** Items that were pushed. Items before the index `#next` have already been handed over. */
  #items: T[] = [];
  #next = 0;
  #burst = 0;
  #isPausing = false;
  /**
   * The first waiting call of `next`; its `after` leads to the other waiting calls. There is rarely more than one, and an array would take
   * more memory than the rest of a channel.
   */
  #asked: WaitingCall<T> | undefined;
  #hasBegun = false;
  #isOver = false;
  #failure: { error: unknown } | undefined;

  constructor(parts: ChannelParts = {}) {
    this.#parts = parts;
  }

  push(item: T): void {
    if (this.#isOver) return;
    // If a call waits and no other item is ready, the call gets this item directly. So a stream that is read as fast as it arrives needs no
    // queue.
    if (this.#asked && !this.#isReady && !this.#isPausing) {
      this.#burst = 0;
      this.#served()?.resolve({ done: false, value: item });
    } else this.#items.push(item);
  }

  /** Ends the iteration after all items pushed so far. With `failure`, the iteration ends by throwing its error. */
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
      this.#wait(new WaitingCall(resolve, reject));
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

  #wait(asked: WaitingCall<T>): void {
    let last = this.#asked;
    while (last?.after) last = last.after;
    if (last) last.after = asked;
    else this.#asked = asked;
  }

  #served(): WaitingCall<T> | undefined {
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

  /** Settles a waiting call of `next` after the last item: with the failure if there is one, otherwise with the end. */
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

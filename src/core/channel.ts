/**
 * A queue between a producer that calls and one consumer that iterates. What is ready is handed over without a pause, so a
 * burst costs one wake-up. Unbounded: the producers here are one turn's deltas and tool results.
 */
export class Channel<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #closed = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Ends the iteration after the items pushed so far; with an error, by throwing it. */
  close(failure?: { error: unknown }): void {
    this.#closed = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const ready = this.#items;
      this.#items = [];
      for (const item of ready) yield item;
      if (this.#items.length > 0) continue;
      if (this.#failure) throw this.#failure.error;
      if (this.#closed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

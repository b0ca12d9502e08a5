export class RunningCalls {
  #count = 0;
  #ended: () => void = () => {};

  get any(): boolean {
    return this.#count > 0;
  }

  began(): void {
    this.#count += 1;
  }

  ended(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#ended();
  }

  /** Resolves when no call is running any more. */
  async untilIdle(): Promise<void> {
    while (this.any) {
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    }
  }
}

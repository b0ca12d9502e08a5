/**
 * Gate that lets `perTurn` callers through in each turn of the event loop, in order. Starting hundreds of completions at once would block
 * everything else. V8 would also treat everything that they allocate as long-lived: with 500 streams, V8 put every chunk into its old
 * generation, and the process stops while that generation is collected.
 */
export class Turnstile {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #passed = 0;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Returns undefined if the caller may pass at once. Otherwise returns a promise that resolves when the caller may pass. */
  pass(): Promise<void> | undefined {
    if (this.#passed === 0) setImmediate(() => this.#turn());
    if (this.#passed < this.#perTurn) {
      this.#passed++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #turn(): void {
    const next = this.#waiting.splice(0, this.#perTurn);
    this.#passed = next.length;
    if (next.length > 0) setImmediate(() => this.#turn());
    for (const resolve of next) resolve();
  }
}

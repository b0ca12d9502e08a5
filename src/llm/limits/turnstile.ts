/**
 * Lets so many through in one turn of the event loop, the others in the next ones, in their order. Who begins hundreds of things at
 * once would else hold up everything else in the process; and what is allocated for all of them before any has gone on counts for V8 as
 * long-lived from then on: it put every chunk of 500 streams into its old generation, whose collections stop the process.
 */
export class Turnstile {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #passed = 0;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Undefined: at once. */
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

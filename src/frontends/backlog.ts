/** What a client is owed: messages that wait for it to read, and requests without an answer yet. */
export class Backlog {
  readonly #most: number;
  #owed = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** One more, until the returned function is called. */
  owe(): () => void {
    let isPaid = false;
    this.#owed++;
    return () => {
      if (isPaid) return;
      isPaid = true;
      this.#owed--;
      if (this.hasRoom) this.#wake();
    };
  }

  get hasRoom(): boolean {
    return this.#owed < this.#most;
  }

  /** Resolves when the client may ask for more. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Messages that wait for the client to read them, and requests without an answer yet. */
export class Backlog {
  readonly #most: number;
  #owed = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts one more message or request until the returned function is called. */
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

  /** Waits until the client may send more. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

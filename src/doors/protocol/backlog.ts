/**
 * Counts a client's unread messages and unanswered requests. While the count is at the limit, no more requests are read from the client.
 */
export class Backlog {
  readonly #most: number;
  #owed = 0;
  #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Adds one message or request to the count. The returned function removes it again. */
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

  /** Waits until the count is below the limit. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

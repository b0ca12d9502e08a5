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

  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Limits the number of concurrent tasks. Further tasks wait and start in order. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` when a slot is free. Rejects with the signal's reason if the signal is aborted while the task waits for a slot. */
  async run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal?.reason);
      };
      const go = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      this.#waiting.push(go);
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }
}

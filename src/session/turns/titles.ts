/** The titles that the model makes for conversations at this moment, beside their turns. */

import { setTimeout as sleep } from "node:timers/promises";

/** How long a host that closes waits for titles that are being made. */
const closingMs = 1_000;

export class Titles {
  readonly #making = new Set<Promise<void>>();
  readonly #closed = new AbortController();

  /** Begins to make a title. Nothing waits for it. */
  begin(make: (signal: AbortSignal) => Promise<void>): void {
    if (this.#closed.signal.aborted) return;
    const making = make(this.#closed.signal)
      .catch(() => {}) // a log that cannot be written is reported by the next turn
      .finally(() => this.#making.delete(making));
    this.#making.add(making);
  }

  /** Waits a moment for the titles that are being made, then gives them up. */
  async close(): Promise<void> {
    if (this.#making.size > 0) {
      const over = new AbortController();
      const late = sleep(closingMs, undefined, { signal: over.signal }).catch(() => {});
      await Promise.race([late, this.#settled()]);
      over.abort();
    }
    this.#closed.abort();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#making);
  }
}

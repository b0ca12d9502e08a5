import { availableParallelism } from "node:os";
import { abortable } from "../shared/wait.js";

/** How long a start may hold its slot, in ms. A start that takes longer mostly waits, for a download for example, and needs no processor. */
export const slotMs = 1000;
const slotsPerCore = 4;

/**
 * Bounds how many servers' processes start at the same time. All at once they only delay each other, and the host with them: 100 servers
 * on 2 cores.
 */
export class StartSlots {
  #free: number;
  /** The starts that wait for a slot, in order. The values let them begin. */
  readonly #waiting = new Map<object, () => void>();

  constructor(slots = slotsPerCore * availableParallelism()) {
    this.#free = slots;
  }

  /** Resolves when a slot is free for `owner`. The caller must call `leave` afterwards. Rejects only with the signal's reason. */
  async take(owner: object, signal: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const turn = new Promise<void>((resolve) => this.#waiting.set(owner, resolve));
    try {
      await abortable(turn, signal);
    } catch (error) {
      if (!this.#waiting.delete(owner)) this.leave();
      throw error;
    }
  }

  /** Lets `owner` begin without a free slot, if it waits for one. Used for a server that somebody calls. */
  skip(owner: object): void {
    this.#begin(owner);
  }

  leave(): void {
    this.#free++;
    const [next] = this.#waiting.keys();
    if (next && this.#free > 0) this.#begin(next);
  }

  #begin(owner: object): void {
    const begin = this.#waiting.get(owner);
    if (!begin) return;
    this.#waiting.delete(owner);
    this.#free--;
    begin();
  }
}

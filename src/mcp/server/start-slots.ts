import { availableParallelism } from "node:os";
import { abortable } from "../shared/wait.js";

/** How long a start may hold its slot, in ms. A longer start mostly waits, for example for a download, and does not use the processor. */
export const slotMs = 1000;
const slotsPerCore = 4;

/**
 * Limits the number of servers' processes that start at the same time. Without a limit, the starts of 100 servers on 2 cores delay each
 * other and the host. A restart after a lost connection takes no slot (`KeptConnection.#restart`): a running turn may need that server.
 */
export class StartSlots {
  #free: number;
  /** Owners of the starts that wait for a slot, in order. Each value is a function that lets the start begin. */
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
    const begun = new Promise<void>((resolve) => this.#waiting.set(owner, resolve));
    try {
      await abortable(begun, signal);
    } catch (error) {
      if (!this.#waiting.delete(owner)) this.leave(); // the slot was granted in the same tick as the abort
      throw error;
    }
  }

  leave(): void {
    this.#free++;
    const [next] = this.#waiting.keys();
    if (next && this.#free > 0) this.begin(next);
  }

  /** Lets `owner` begin even without a free slot, if it waits for one. Used for a server that is called. */
  begin(owner: object): void {
    const begin = this.#waiting.get(owner);
    if (!begin) return;
    this.#waiting.delete(owner);
    this.#free--;
    begin();
  }
}

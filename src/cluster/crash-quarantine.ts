import { maxCrashes } from "../core/lease.js";

interface Suspect {
  conversationId: string;
  turnId: string;
}

/**
 * CrashQuarantine: turns that would not be tried again after one more crash. A crash ends all turns of a host, whichever turn caused it. So each
 * host runs only one suspect at a time. The other suspects wait, and a crash during the wait does not count for them.
 */
export class CrashQuarantine {
  readonly #wake: (conversationId: string) => void;
  #running: Suspect | undefined;
  readonly #waiting = new Set<string>();

  /** `wake` is called for a conversation with a refused suspect once that suspect may try to enter again. */
  constructor(wake: (conversationId: string) => void) {
    this.#wake = wake;
  }

  static includes(crashes: number): boolean {
    return crashes >= maxCrashes - 1;
  }

  /** Lets the suspect run here. Returns false while another suspect runs here. */
  enter(suspect: Suspect): boolean {
    this.#running ??= suspect;
    if (this.#running.turnId === suspect.turnId) return true;
    this.#waiting.add(suspect.conversationId);
    return false;
  }

  /** Notes that the suspect no longer runs here. Does nothing if the suspect has not entered. */
  leave({ turnId }: Suspect): void {
    if (this.#running?.turnId !== turnId) return;
    this.#running = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const conversationId of waiting) this.#wake(conversationId);
  }

  /**
   * Lets other suspects run during `work`, then waits until this suspect can enter again. `changed` must resolve when `wake` is called for
   * the conversation, at the latest.
   */
  async leaveDuring<T>(
    suspect: Suspect,
    { work, changed, signal }: { work: () => Promise<T>; changed: () => Promise<void>; signal: AbortSignal },
  ): Promise<T> {
    if (this.#running?.turnId !== suspect.turnId) return work();
    this.leave(suspect);
    const result = await work();
    const onAbort = () => this.#wake(suspect.conversationId);
    signal.addEventListener("abort", onAbort);
    for (;;) {
      const next = changed(); // before the check, so that no change is missed
      if (signal.aborted || this.enter(suspect)) break;
      await next;
    }
    signal.removeEventListener("abort", onAbort);
    return result;
  }
}

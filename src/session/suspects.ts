/** Number of hosts a turn may crash before it is not tried again. */
export const maxCrashes = 3;

interface Suspect {
  conversationId: string;
  turnId: string;
}

/**
 * Turns for which the next crash is the last. A crash ends all turns of a host, whichever caused it. So each host runs one suspect at a
 * time, and those that wait do not crash with it.
 */
export class Suspects {
  readonly #wake: (conversationId: string) => void;
  #running: Suspect | undefined;
  readonly #waiting = new Set<string>();

  /** `wake`: suspects refused in this conversation may try again. */
  constructor(wake: (conversationId: string) => void) {
    this.#wake = wake;
  }

  static includes(crashes: number): boolean {
    return crashes >= maxCrashes - 1;
  }

  /** False while another suspect runs here. */
  enter(suspect: Suspect): boolean {
    this.#running ??= suspect;
    if (this.#running.turnId === suspect.turnId) return true;
    this.#waiting.add(suspect.conversationId);
    return false;
  }

  /** Does nothing for a turn that has not entered. */
  leave({ turnId }: Suspect): void {
    if (this.#running?.turnId !== turnId) return;
    this.#running = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const conversationId of waiting) this.#wake(conversationId);
  }

  /** Lets others run during `work`, then enters again. `changed` resolves at the latest when `wake` is called for the conversation. */
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

/** A turn that has ended so many hosts is not tried again. */
export const maxCrashes = 3;

interface Suspect {
  conversationId: string;
  turnId: string;
}

/**
 * Turns for which the next crash is the last. A host dies with all that it runs, whichever turn it died of: so each host runs one of these
 * at a time, and those that wait for it do not die with it.
 */
export class Suspects {
  readonly #wake: (conversationId: string) => void;
  #running: Suspect | undefined;
  readonly #waiting = new Set<string>();

  /** `wake`: whoever was refused in this conversation may try again. */
  constructor(wake: (conversationId: string) => void) {
    this.#wake = wake;
  }

  static includes(crashes: number): boolean {
    return crashes >= maxCrashes - 1;
  }

  /** False while another one runs here. */
  enter(suspect: Suspect): boolean {
    this.#running ??= suspect;
    if (this.#running.turnId === suspect.turnId) return true;
    this.#waiting.add(suspect.conversationId);
    return false;
  }

  /** Without effect for a turn that has not entered. */
  leave({ turnId }: Suspect): void {
    if (this.#running?.turnId !== turnId) return;
    this.#running = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const conversationId of waiting) this.#wake(conversationId);
  }

  /** Others may run meanwhile. `changed` resolves, at the latest, when `wake` is called for the conversation. */
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
      const next = changed(); // from before the look, so that no change is missed
      if (signal.aborted || this.enter(suspect)) break;
      await next;
    }
    signal.removeEventListener("abort", onAbort);
    return result;
  }
}

import type { ChangeWatch } from "../core/async/changes.js";
import { maxCrashes } from "../core/turn-leases.js";

interface Suspect {
  conversationId: string;
  turnId: string;
}

/**
 * Lets only one suspect at a time run on this host. A suspect is a turn during which so many hosts have crashed that it is not tried again
 * after one more crash. A crash ends all turns of a host, whichever turn caused it. So the other suspects wait, and a crash that happens
 * while they wait is not counted against them.
 */
export class CrashQuarantine {
  readonly #wake: (conversationId: string) => void;
  #running: Suspect | undefined;
  readonly #waiting = new Set<string>();
  /** Ids of the suspects that have left during a question. */
  readonly #away = new Set<string>();

  /** When a suspect that was refused may try to enter again, `wake` is called with the suspect's conversation. */
  constructor(wake: (conversationId: string) => void) {
    this.#wake = wake;
  }

  static includes(crashes: number): boolean {
    return crashes >= maxCrashes - 1;
  }

  /** Lets the suspect run here. Returns false while another suspect runs here. */
  admit(suspect: Suspect): boolean {
    this.#running ??= suspect;
    if (this.#running.turnId === suspect.turnId) return true;
    this.#waiting.add(suspect.conversationId);
    return false;
  }

  /** Removes the suspect, because it no longer runs here. Does nothing if the suspect had not entered. */
  leave({ turnId }: Suspect): void {
    this.#away.delete(turnId);
    if (this.#running?.turnId !== turnId) return;
    this.#running = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const conversationId of waiting) this.#wake(conversationId);
  }

  /**
   * Lets another suspect run during `work`, then waits until this suspect may run again. Of several works at a time, each waits when it has
   * ended, because the turn continues with its outcome. `watch` watches the suspect's conversation: its
   * `happened` must resolve at the latest when `wake` is called for the conversation.
   */
  async leaveDuring<T>(
    suspect: Suspect,
    { work, watch, signal }: { work: () => Promise<T>; watch: () => ChangeWatch; signal: AbortSignal },
  ): Promise<T> {
    const { turnId } = suspect;
    if (this.#running?.turnId !== turnId && !this.#away.has(turnId)) return work();
    this.leave(suspect);
    this.#away.add(turnId);
    const result = await work();
    const onAbort = () => this.#wake(suspect.conversationId);
    signal.addEventListener("abort", onAbort);
    for (;;) {
      using change = watch(); // begun before the check, so that no change is missed
      if (signal.aborted || this.admit(suspect)) break;
      await change.happened;
    }
    signal.removeEventListener("abort", onAbort);
    return result;
  }
}

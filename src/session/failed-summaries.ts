/** A conversation is remembered until so many others have failed after it. */
const mostRemembered = 1_000;
/** The most turns without asking again. */
const mostSkipped = 32;

/**
 * Conversations whose last summary failed. The next one is asked for 2 turns later, then 4, 8 …, since each costs a request; meanwhile older
 * turns are left out without a summary.
 */
export class FailedSummaries {
  readonly #failed = new Map<string, { times: number; toSkip: number }>();

  /** Whether this turn asks for no summary. To be called once a turn that needs one. */
  skips(conversationId: string): boolean {
    const failed = this.#failed.get(conversationId);
    if (!failed || failed.toSkip === 0) return false;
    failed.toSkip--;
    return true;
  }

  /** `isFailed`: how the last one ended. */
  note(conversationId: string, isFailed: boolean): void {
    const times = (this.#failed.get(conversationId)?.times ?? 0) + 1;
    this.#failed.delete(conversationId);
    if (!isFailed) return;
    this.#failed.set(conversationId, { times, toSkip: Math.min(2 ** times, mostSkipped) });
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > mostRemembered && oldest !== undefined) this.#failed.delete(oldest);
  }
}

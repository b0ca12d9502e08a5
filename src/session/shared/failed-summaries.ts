/** Maximum number of conversations to remember. If there are more, the conversation whose failure was longest ago is dropped. */
const mostRemembered = 1_000;
/** Maximum number of turns to skip between two attempts. */
const mostSkipped = 32;

/**
 * Conversations whose last attempt at a summary failed. Every attempt costs a request, so turns are skipped before the next attempt: 2
 * turns after the first failure, then 4, 8 … In a skipped turn, the model gets neither the oldest turns nor a summary of them.
 */
export class FailedSummaries {
  readonly #failed = new Map<string, { times: number; toSkip: number }>();

  /**
   * Returns true if this turn should not request a summary. Must be called at most once in a turn, because each call counts as a skipped
   * turn.
   */
  skips(conversationId: string): boolean {
    const failed = this.#failed.get(conversationId);
    if (!failed || failed.toSkip === 0) return false;
    failed.toSkip--;
    return true;
  }

  /** Records whether the last attempt at a summary failed. */
  note(conversationId: string, isFailed: boolean): void {
    const times = (this.#failed.get(conversationId)?.times ?? 0) + 1;
    this.#failed.delete(conversationId);
    if (!isFailed) return;
    this.#failed.set(conversationId, { times, toSkip: Math.min(2 ** times, mostSkipped) });
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > mostRemembered && oldest !== undefined) this.#failed.delete(oldest);
  }
}

/** Number of conversations remembered; the oldest failure is forgotten first. */
const mostRemembered = 1_000;
/** Maximum number of turns between two attempts. */
const mostSkipped = 32;

/**
 * Conversations whose last summary failed. Turns to skip before the next attempt double (2, 4, 8 …), since each attempt costs a request.
 * Meanwhile older turns are left out without a summary.
 */
export class FailedSummaries {
  readonly #failed = new Map<string, { times: number; toSkip: number }>();

  /** True if this turn requests no summary. Call once per turn that needs one. */
  skips(conversationId: string): boolean {
    const failed = this.#failed.get(conversationId);
    if (!failed || failed.toSkip === 0) return false;
    failed.toSkip--;
    return true;
  }

  /** Records the outcome of the last summary. */
  note(conversationId: string, isFailed: boolean): void {
    const times = (this.#failed.get(conversationId)?.times ?? 0) + 1;
    this.#failed.delete(conversationId);
    if (!isFailed) return;
    this.#failed.set(conversationId, { times, toSkip: Math.min(2 ** times, mostSkipped) });
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > mostRemembered && oldest !== undefined) this.#failed.delete(oldest);
  }
}

/**
 * Lets callers wait until something changes in a conversation: one of its turns has ended on this host, or another host has written to it.
 */
export class Changes {
  #waiting: { conversationId: string; resolve: () => void }[] = [];

  /** Resolves at the next change of the conversation. Until then, a timer of `everyMs` keeps the process alive. */
  next(conversationId: string, everyMs: number): Promise<void> {
    const alive = setInterval(() => {}, everyMs);
    return new Promise((resolve) =>
      this.#waiting.push({
        conversationId,
        resolve() {
          clearInterval(alive);
          resolve();
        },
      }),
    );
  }

  /** Wakes all callers that wait for this conversation. Without an id, wakes all callers. */
  happened(conversationId?: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (conversationId === undefined || each.conversationId === conversationId) each.resolve();
      else this.#waiting.push(each);
    }
  }
}

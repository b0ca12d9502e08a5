/** Waiters for a change in a conversation: a turn ended here, or another host wrote. */
export class Changes {
  #waiting: { conversationId: string; resolve: () => void }[] = [];

  /** Resolves at the next change. Keeps the process alive until then, by a timer of `everyMs`. */
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

  /** Wakes all waiters of this conversation, or of any. */
  happened(conversationId?: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (conversationId === undefined || each.conversationId === conversationId) each.resolve();
      else this.#waiting.push(each);
    }
  }
}

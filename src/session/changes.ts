/** Who waits for something to change in a conversation: a turn ended here, or another process wrote. */
export class Changes {
  #waiting: { conversationId: string; resolve: () => void }[] = [];

  /** Resolves at the next change. Until then the process stays alive, by a timer of `everyMs`. */
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

  /** In this conversation, or in any: whoever waits for it looks again. */
  happened(conversationId?: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) {
      if (conversationId === undefined || each.conversationId === conversationId) each.resolve();
      else this.#waiting.push(each);
    }
  }
}

import type { ResultStore } from "../../core/chat-store.js";
import { StoreError } from "../../core/errors.js";

/** Large tool results, kept in memory. */
export class MemoryResults implements ResultStore {
  readonly #results = new Map<string, { conversationId: string; text: string }>();

  async put(conversationId: string, resultId: string, text: string): Promise<void> {
    if (this.#results.has(resultId)) throw new StoreError("write", `there is already a result ${resultId}`);
    this.#results.set(resultId, { conversationId, text });
  }

  async read(resultId: string): Promise<string | undefined> {
    return this.#results.get(resultId)?.text;
  }

  deleteOf(conversationId: string): void {
    for (const [resultId, result] of this.#results) {
      if (result.conversationId === conversationId) this.#results.delete(resultId);
    }
  }
}

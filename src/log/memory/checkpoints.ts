import type { CheckpointStore } from "../../core/chat-store.js";

export class MemoryCheckpoints implements CheckpointStore {
  readonly #checkpoints = new Map<string, string>();
  readonly #exists: (conversationId: string) => boolean;

  constructor(exists: (conversationId: string) => boolean) {
    this.#exists = exists;
  }

  async put(conversationId: string, checkpoint: string): Promise<void> {
    if (this.#exists(conversationId)) this.#checkpoints.set(conversationId, checkpoint);
  }

  async read(conversationId: string): Promise<string | undefined> {
    return this.#checkpoints.get(conversationId);
  }

  deleteOf(conversationId: string): void {
    this.#checkpoints.delete(conversationId);
  }
}

/** Conversations as they were last read, so that a turn reads what has come since, and what is made of an event is made once. */
import type { StoredEvent } from "../core/chat.js";
import type { ChatStore } from "../core/store-ports.js";

interface KnownLog {
  events: readonly StoredEvent[];
  /** Characters of JSON. */
  size: number;
}

/** Characters of JSON that known conversations have beside the one that was read last; parsed they take four times as much memory. */
const mostKept = 4 * 1024 * 1024;

export class KnownLogs {
  readonly #store: Pick<ChatStore, "read">;
  readonly #mostKept: number;
  /** Those that were read last come last. */
  readonly #logs = new Map<string, KnownLog>();
  #size = 0;

  constructor(store: Pick<ChatStore, "read">, most = mostKept) {
    this.#store = store;
    this.#mostKept = most;
  }

  /**
   * All events of the conversation, in their order. The same event is the same object as long as the conversation is known: what is
   * computed of it may be kept by it, and nobody may change it. Rejects with StoreError.
   */
  async read(conversationId: string): Promise<readonly StoredEvent[]> {
    const known = this.#logs.get(conversationId);
    const last = known?.events.at(-1);
    const [again, ...news] = last ? await this.#store.read(conversationId, last.seq) : [];
    // A log only grows; but a conversation may have been deleted, and another one begun under its id.
    if (!known || !last || !again || !isSame(again, last)) {
      const events = await this.#store.read(conversationId);
      this.#keep(conversationId, { events, size: sizeOf(events) });
      return events;
    }
    const events = news.length === 0 ? known.events : [...known.events, ...news];
    this.#keep(conversationId, { events, size: known.size + sizeOf(news) });
    return events;
  }

  /** Of a conversation that was deleted, or will not be read soon. */
  forget(conversationId: string): void {
    this.#size -= this.#logs.get(conversationId)?.size ?? 0;
    this.#logs.delete(conversationId);
  }

  #keep(conversationId: string, log: KnownLog): void {
    this.forget(conversationId);
    for (const oldest of this.#logs.keys()) {
      if (this.#size <= this.#mostKept) break;
      this.forget(oldest);
    }
    this.#logs.set(conversationId, log);
    this.#size += log.size;
  }
}

/** Ids of turns are never used again. */
function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return one.seq === other.seq && one.turnId === other.turnId && one.type === other.type && one.at === other.at;
}

function sizeOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

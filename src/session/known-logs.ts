/** A cache of conversations, so that a turn reads only new events, and what is derived from an event is computed once. */
import type { StoredEvent } from "../core/chat.js";
import type { ChatStore } from "../core/store-ports.js";

interface KnownLog {
  events: readonly StoredEvent[];
  /** In characters of JSON. */
  size: number;
}

/** Limit of all cached conversations except the last one read, in characters of JSON; parsed they take four times as much memory. */
const mostKept = 4 * 1024 * 1024;

export class KnownLogs {
  readonly #store: Pick<ChatStore, "read">;
  readonly #mostKept: number;
  /** Most recently read last. */
  readonly #logs = new Map<string, KnownLog>();
  #size = 0;

  constructor(store: Pick<ChatStore, "read">, most = mostKept) {
    this.#store = store;
    this.#mostKept = most;
  }

  /**
   * Returns all events of the conversation in order. An event stays the same object while cached: derived values may be kept by it, and
   * nobody may change it. Rejects with StoreError.
   */
  async read(conversationId: string): Promise<readonly StoredEvent[]> {
    const known = this.#logs.get(conversationId);
    const last = known?.events.at(-1);
    const [again, ...news] = last ? await this.#store.read(conversationId, last.seq) : [];
    // A log only grows, but a conversation may have been deleted and its id used for another.
    if (!known || !last || !again || !isSame(again, last)) {
      const events = await this.#store.read(conversationId);
      this.#keep(conversationId, { events, size: sizeOf(events) });
      return events;
    }
    const events = news.length === 0 ? known.events : [...known.events, ...news];
    this.#keep(conversationId, { events, size: known.size + sizeOf(news) });
    return events;
  }

  /** Drops a conversation that was deleted or will not be read soon. */
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

/** Compares turn ids too, which are never reused. */
function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return one.seq === other.seq && one.turnId === other.turnId && one.type === other.type && one.at === other.at;
}

function sizeOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

/**
 * A cache of conversations. With the cache, a turn reads only new events from the store, and data that is derived from an event is computed
 * only once.
 */
import type { StoredEvent } from "../../core/events.js";
import type { ChatStore } from "../../core/store-ports.js";

interface KnownLog {
  events: readonly StoredEvent[];
  /** Length of the events in characters of JSON. */
  size: number;
}

/**
 * Limit of all cached conversations together, in characters of JSON. The conversation read last is not counted. In memory, parsed events
 * take about four times as much.
 */
const mostKept = 4 * 1024 * 1024;

export class KnownLogs {
  readonly #store: Pick<ChatStore, "read">;
  readonly #mostKept: number;
  /** The cached conversations by id. The conversation that was read last is the last entry. */
  readonly #logs = new Map<string, KnownLog>();
  #size = 0;

  constructor(store: Pick<ChatStore, "read">, most = mostKept) {
    this.#store = store;
    this.#mostKept = most;
  }

  /**
   * Returns all events of the conversation in order. An event stays the same object while it is cached. So callers may keep derived data in
   * a WeakMap by event, and must not change an event. Rejects with StoreError.
   */
  async read(conversationId: string): Promise<readonly StoredEvent[]> {
    const known = this.#logs.get(conversationId);
    const last = known?.events.at(-1);
    const [again, ...news] = last ? await this.#store.read(conversationId, last.seq) : [];
    // A log only grows. But the conversation may have been deleted, and its id used again for a new one.
    if (!known || !last || !again || !isSame(again, last)) {
      const events = await this.#store.read(conversationId);
      this.#keep(conversationId, { events, size: sizeOf(events) });
      return events;
    }
    const events = news.length === 0 ? known.events : [...known.events, ...news];
    this.#keep(conversationId, { events, size: known.size + sizeOf(news) });
    return events;
  }

  /** Drops the conversation from the cache, because it was deleted or other conversations need the room. */
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

/** True if both are the same event. Compares the turn ids too, because a turn id is never used again. */
function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return one.seq === other.seq && one.turnId === other.turnId && one.type === other.type && one.at === other.at;
}

function sizeOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

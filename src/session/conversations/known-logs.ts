/**
 * A cache of conversations. With the cache, a turn reads only new events from the store. Data that is computed from an event is computed
 * only once.
 */

import type { ChatStore } from "../../core/chat-store.js";
import type { StoredEvent } from "../../core/events.js";

interface KnownLog {
  events: readonly StoredEvent[];
  /** Total size of the events, in characters of JSON. */
  size: number;
}

/**
 * Maximum size of all cached conversations, in characters of JSON. The conversation that was read last is not included in this limit. In
 * memory, the parsed events take about four times this size.
 */
const mostKept = 4 * 1024 * 1024;

export class KnownLogs {
  readonly #store: Pick<ChatStore, "read">;
  readonly #mostKept: number;
  /** The cached conversations. The keys are their ids. The conversation that was read last is the last entry. */
  readonly #logs = new Map<string, KnownLog>();
  #size = 0;

  constructor(store: Pick<ChatStore, "read">, most = mostKept) {
    this.#store = store;
    this.#mostKept = most;
  }

  /**
   * Returns all events of the conversation in order. While an event is cached, every read returns the same object for this event. So
   * callers may store derived data in a WeakMap with the event as key. Callers must not change an event. Rejects with StoreError.
   */
  async read(conversationId: string): Promise<readonly StoredEvent[]> {
    const known = this.#logs.get(conversationId);
    const last = known?.events.at(-1);
    const [again, ...news] = last ? await this.#store.read(conversationId, last.seq) : [];
    // A log only grows, but the conversation may have been deleted and a new one created with the same id.
    if (!known || !last || !again || !isSame(again, last)) {
      const events = await this.#store.read(conversationId);
      this.#keep(conversationId, { events, size: sizeOf(events) });
      return events;
    }
    const events = news.length === 0 ? known.events : [...known.events, ...news];
    this.#keep(conversationId, { events, size: known.size + sizeOf(news) });
    return events;
  }

  /** Drops the conversation from the cache. Called if it was deleted, or to make room for other conversations. */
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

/**
 * Returns true if both are the same event. If the conversation was deleted and created again with the same id, the two events differ,
 * because turn ids are never used again.
 */
function isSame(one: StoredEvent, other: StoredEvent): boolean {
  return one.seq === other.seq && one.turnId === other.turnId && one.type === other.type && one.at === other.at;
}

function sizeOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
}

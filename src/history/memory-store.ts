import type { ChatEvent, StoredEvent, UserMessageEvent } from "../core/chat.js";
import type { ChatStore, Claim, ConversationSummary } from "../core/ports.js";

/** The event log of one process: gone when it ends. */
export class MemoryStore implements ChatStore {
  readonly #now: () => number;
  /** In the order of their last event. */
  readonly #logs = new Map<string, StoredEvent[]>();

  constructor(now: () => number) {
    this.#now = now;
  }

  async claim(conversationId: string, event: UserMessageEvent): Promise<Claim> {
    const log = this.#logs.get(conversationId) ?? [];
    const known = log.find((stored) => stored.type === "user_message" && stored.requestId === event.requestId);
    if (!known) return { created: true, events: [await this.append(conversationId, event)] };
    return { created: false, events: log.filter(({ turnId }) => turnId === known.turnId).map(copy) };
  }

  async append(conversationId: string, event: ChatEvent): Promise<StoredEvent> {
    const log = this.#logs.get(conversationId) ?? [];
    const stored = { ...copy(event), seq: log.length + 1, at: this.#now() };
    log.push(stored);
    this.#logs.delete(conversationId);
    this.#logs.set(conversationId, log);
    return copy(stored);
  }

  async read(conversationId: string, from = 1): Promise<StoredEvent[]> {
    return (this.#logs.get(conversationId) ?? []).slice(Math.max(from - 1, 0)).map(copy);
  }

  async conversations(): Promise<ConversationSummary[]> {
    return [...this.#logs]
      .map(([conversationId, log]) => ({ conversationId, lastSeq: log.length, updatedAt: log.at(-1)?.at ?? 0 }))
      .reverse();
  }

  async close(): Promise<void> {}
}

/** As a file would give it back: nobody holds a piece of the log, and what JSON cannot carry is lost here too. */
function copy<T extends ChatEvent>(event: T): T {
  return JSON.parse(JSON.stringify(event));
}

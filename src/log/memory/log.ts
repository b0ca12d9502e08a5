import { messageOf, StoreError } from "../../core/errors.js";
import type { ChatEvent, EventOf, StoredEvent } from "../../core/events.js";
import { addTotals, nothingSpent, type Period, type SpentTotals } from "../../core/usage-store.js";
import { onePage } from "../shared/event-page.js";
import { jsonCopy } from "../shared/json-copy.js";
import { quarterMs, spentIn } from "../shared/spent.js";
import { stateAfter } from "../shared/turn-state.js";

interface MemoryEntry {
  event: StoredEvent;
  /** Position of the event in its turn. Undefined if the event was written without a lease of the turn. */
  position: number | undefined;
}

export interface MemoryConversation {
  readonly conversationId: string;
  /** Events in order: the `seq` of an event is its index plus 1. */
  readonly entries: MemoryEntry[];
  /** Turn ids, by the id of the request that began the turn. */
  readonly requests: Map<string, string>;
  /** Orders conversations by their last change, as in a file: see `conversation-table.ts`. */
  touched: number;
  /** Time of the last change. */
  updatedAt: number;
}

/**
 * The events of all conversations. Events are copied when they are stored and when they are returned, so callers never share an object with
 * the log.
 */
export class MemoryLog {
  /** Conversations in the order in which they were created. */
  readonly conversations = new Map<string, MemoryConversation>();
  readonly #now: () => number;
  /** Totals of the requests of each quarter of an hour, by its start. A request still counts when its conversation is deleted. */
  readonly #spent = new Map<number, SpentTotals>();
  #touched = 0;
  #isClosed = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Appends all events to the conversation, or none of them. `position`: position of the first of these events in its turn. Throws
   * StoreError.
   */
  insert(conversationId: string, events: readonly ChatEvent[], position?: number): StoredEvent[] {
    const kept = events.map(storable);
    const stored = kept.map((event, index) =>
      jsonCopy(this.#push(conversationId, event, this.#now(), position === undefined ? undefined : position + index)),
    );
    for (const event of stored) this.#addSpent(event);
    const last = stored.at(-1);
    if (last && isChange(last, position)) this.#touch(conversationId, last.at);
    return stored;
  }

  /** Copies events of one conversation to another. Each copy keeps the time and the position in its turn. */
  insertCopies(from: string, to: string, seqs: readonly number[], asCopied: (event: StoredEvent) => ChatEvent): void {
    for (const seq of seqs) {
      const entry = this.conversations.get(from)?.entries[seq - 1];
      if (entry) this.#push(to, storable(asCopied(entry.event)), entry.event.at, entry.position);
    }
  }

  /** Returns the events from this `seq` on: all of them or, with `most`, a page. */
  from(conversationId: string, seq = 1, most?: number): StoredEvent[] {
    const start = Math.max(seq, 1) - 1;
    const entries = this.conversations.get(conversationId)?.entries ?? [];
    if (most === undefined) return entries.slice(start).map(copied);
    return pageOf(entries.slice(start, start + most)).map(copied);
  }

  /** Returns a page of the last events before this `seq`, in order. */
  before(conversationId: string, seq: number, most: number): StoredEvent[] {
    const entries = this.conversations.get(conversationId)?.entries.slice(0, Math.max(seq, 1) - 1) ?? [];
    return pageOf(entries.slice(-most).reverse()).reverse().map(copied);
  }

  ofTurn(conversationId: string, turnId: string): StoredEvent[] {
    const entries =
      this.conversations.get(conversationId)?.entries.filter(({ event }) => event.turnId === turnId) ?? [];
    return entries.map(copied);
  }

  /**
   * Returns the events of the turn that are at this position or after it. Usually there are none, so the turn's last event is checked
   * first.
   */
  onwards(conversationId: string, turnId: string, position: number): StoredEvent[] {
    const entries = this.conversations.get(conversationId)?.entries ?? [];
    const last = entries.findLast((entry) => entry.event.turnId === turnId && entry.position);
    if (!last?.position || last.position < position) return [];
    const isThere = (entry: MemoryEntry) => entry.event.turnId === turnId && (entry.position ?? 0) >= position;
    return entries.filter(isThere).map(copied);
  }

  turnOf(conversationId: string, requestId: string): string | undefined {
    return this.conversations.get(conversationId)?.requests.get(requestId);
  }

  /** Returns the last `seq` of the conversation, or 0 if there is no such conversation. */
  lastSeq(conversationId: string): number {
    return this.conversations.get(conversationId)?.entries.length ?? 0;
  }

  /**
   * Yields the events of these types in the period. If an event was copied to other conversations, it is yielded only once, from the
   * conversation that was created first.
   */
  *once<T extends StoredEvent["type"]>(
    { since, until }: Period,
    ...types: readonly T[]
  ): Generator<[conversation: MemoryConversation, event: EventOf<T>]> {
    const seen = new Set<string>();
    for (const conversation of this.conversations.values()) {
      for (const { event, position } of conversation.entries) {
        if (!isOneOf(event, types) || event.at < since || event.at >= until) continue;
        const place = `${event.turnId} ${position ?? -event.seq} ${event.at}`;
        if (!seen.has(place)) yield [conversation, event];
        seen.add(place);
      }
    }
  }

  /** Returns the totals of all requests of this period, which begins and ends with a quarter. */
  spent({ since, until }: Period): SpentTotals {
    const totals = { ...nothingSpent };
    for (const [at, spent] of this.#spent) if (at >= since && at < until) addTotals(totals, spent);
    return totals;
  }

  close(): void {
    this.#isClosed = true;
    this.conversations.clear();
  }

  /** Stores `event` itself, not a copy. The caller must not use the object afterwards. */
  #push(conversationId: string, event: ChatEvent, at: number, position: number | undefined): StoredEvent {
    if (this.#isClosed) throw new StoreError("write", "cannot write the event log: it is closed");
    const conversation = this.#conversation(conversationId);
    const stored = Object.assign(event, { seq: conversation.entries.length + 1, at });
    conversation.entries.push({ event: stored, position });
    if (stored.type === "user_message") conversation.requests.set(stored.requestId, stored.turnId);
    return stored;
  }

  #addSpent(event: StoredEvent): void {
    const quarter = Math.floor(event.at / quarterMs) * quarterMs;
    this.#spent.set(quarter, spentIn([event], this.#spent.get(quarter)));
  }

  /** Marks the conversation as the one that was changed last. */
  #touch(conversationId: string, at: number): void {
    this.#touched = Math.max(at, this.#touched + 1);
    Object.assign(this.#conversation(conversationId), { touched: this.#touched, updatedAt: at });
  }

  #conversation(conversationId: string): MemoryConversation {
    const known = this.conversations.get(conversationId);
    if (known) return known;
    const conversation = { conversationId, entries: [], requests: new Map(), touched: 0, updatedAt: 0 };
    this.conversations.set(conversationId, conversation);
    return conversation;
  }
}

/** Returns true for events that change the place of their conversation in lists. Other events of a turn do not. */
function isChange(event: ChatEvent, position: number | undefined): boolean {
  return position === undefined || event.type === "user_message" || stateAfter(event) !== undefined;
}

function pageOf(entries: readonly MemoryEntry[]): MemoryEntry[] {
  return onePage(entries, ({ event }) => JSON.stringify(event).length);
}

function copied({ event }: MemoryEntry): StoredEvent {
  return jsonCopy(event);
}

function isOneOf<T extends StoredEvent["type"]>(event: StoredEvent, types: readonly T[]): event is EventOf<T> {
  return (types as readonly string[]).includes(event.type);
}

function storable(event: ChatEvent): ChatEvent {
  try {
    return jsonCopy(event);
  } catch (cause) {
    throw new StoreError("write", `cannot store what is no JSON: ${messageOf(cause)}`, { cause });
  }
}

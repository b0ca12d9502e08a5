import type { Archive, ConversationOverview, ConversationSummary } from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { refuseHeld, refuseUnfinished, renumbered } from "../shared/claims.js";
import { titleLength } from "../shared/title.js";
import type { MemoryConversation, MemoryLog } from "./log.js";
import type { MemoryResults } from "./results.js";
import type { MemoryTurns } from "./turns.js";

export class MemoryArchive implements Archive {
  readonly #log: MemoryLog;
  readonly #turns: MemoryTurns;
  readonly #results: MemoryResults;

  constructor(log: MemoryLog, turns: MemoryTurns, results: MemoryResults) {
    this.#log = log;
    this.#turns = turns;
    this.#results = results;
  }

  async overview(): Promise<ConversationOverview[]> {
    return this.#latestFirst().map((conversation) => ({
      ...this.#facts(conversation),
      title: firstTexts(conversation).join(" "),
      turns: turnsOf(conversation),
    }));
  }

  /** Returns only the fields that a list of conversations shows. This must be cheap, because some callers often list all conversations. */
  summaries(): ConversationSummary[] {
    return this.#latestFirst().map((conversation) => ({
      ...this.#facts(conversation),
      title: [...(firstTexts(conversation)[0] ?? "")].slice(0, titleLength).join(""),
      workspace: this.#turns.workspaceOf(conversation.conversationId),
    }));
  }

  async unfinished() {
    return this.#turns.owners();
  }

  async amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent> {
    if (this.#turns.unfinishedIn(conversationId).length > 0) refuseUnfinished(conversationId);
    const [amended] = this.#log.insert(conversationId, [decide(this.#log.from(conversationId))]);
    return amended as StoredEvent;
  }

  async copy(
    conversationId: string,
    to: string,
    decide: (events: readonly StoredEvent[]) => { first: ChatEvent; seqs: readonly number[] },
  ): Promise<void> {
    if (this.#log.lastSeq(to) > 0) throw new RequestError("usage", `there is already a conversation ${to}`);
    const { first, seqs } = decide(this.#log.from(conversationId));
    this.#log.insert(to, [first]);
    this.#log.insertCopies(conversationId, to, seqs, (event) =>
      event.type === "compaction" ? renumbered(event, seqs) : event,
    );
  }

  async delete(conversationId: string): Promise<boolean> {
    if (this.#turns.unfinishedIn(conversationId).some(({ nodeId }) => nodeId !== undefined)) refuseHeld(conversationId);
    return this.#delete(conversationId);
  }

  async expire(conversationId: string, lastSeq: number): Promise<boolean> {
    const hasGoneOn = this.#log.lastSeq(conversationId) !== lastSeq;
    if (hasGoneOn || this.#turns.unfinishedIn(conversationId).length > 0) return false;
    return this.#delete(conversationId);
  }

  #delete(conversationId: string): boolean {
    const { conversations } = this.#log;
    const origins = originsOf(conversations.get(conversationId));
    const existed = conversations.delete(conversationId);
    this.#turns.delete(conversationId);
    // A result is deleted only if its conversation and all copies of that conversation have been deleted.
    const needed = new Set([...conversations.values()].flatMap((left) => [left.conversationId, ...originsOf(left)]));
    for (const id of [conversationId, ...origins]) if (!needed.has(id)) this.#results.deleteOf(id);
    return existed;
  }

  #latestFirst(): MemoryConversation[] {
    return [...this.#log.conversations.values()].sort((a, b) => b.written - a.written);
  }

  /**
   * Returns the fields that overviews and summaries have in common. `updatedAt` is the time of the first or of the last event, whichever is
   * later: in a copied conversation, the first event has the time of the copy, and the last event may be older.
   */
  #facts({ conversationId, entries }: MemoryConversation) {
    const [first, last] = [entries[0]?.event.at ?? 0, entries.at(-1)?.event.at ?? 0];
    return { conversationId, lastSeq: entries.length, updatedAt: Math.max(first, last) };
  }
}

function firstTexts({ entries }: MemoryConversation): string[] {
  const asked = entries.find(({ event }) => event.type === "user_message")?.event;
  return asked?.type === "user_message"
    ? asked.content.flatMap((part) => (part.type === "text" ? [part.text] : []))
    : [];
}

/** Counts the turns that were not rewound. */
function turnsOf({ entries }: MemoryConversation): number {
  const rewinds = entries.flatMap(({ event }) => (event.type === "rewind" ? [event] : []));
  const isRewound = (asked: number) => rewinds.some(({ seq, toSeq }) => seq > asked && toSeq < asked);
  return entries.filter(({ event }) => event.type === "user_message" && !isRewound(event.seq)).length;
}

/** Returns the ids of the conversations from which this conversation was copied, directly or through other copies. */
function originsOf(conversation: MemoryConversation | undefined): string[] {
  const first = conversation?.entries[0]?.event;
  return first?.type === "fork" ? first.origins : [];
}

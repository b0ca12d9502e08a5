import type {
  Archive,
  ConversationPage,
  ConversationQuery,
  ConversationSummary,
  ExpiryRule,
} from "../../core/chat-store.js";
import { RequestError } from "../../core/errors.js";
import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import { conversationFacts, isInMessages, lowerTitle, searchedTexts } from "../shared/conversation-facts.js";
import { renumbered } from "../shared/copied-events.js";
import { throwOwned, throwUnfinished } from "../shared/turn-state.js";
import type { MemoryCheckpoints } from "./checkpoints.js";
import type { MemoryConversation, MemoryLog } from "./log.js";
import type { MemoryResults } from "./results.js";
import type { MemoryTurns } from "./turns.js";

export class MemoryArchive implements Archive {
  readonly #log: MemoryLog;
  readonly #turns: MemoryTurns;
  readonly #results: MemoryResults;
  readonly #checkpoints: MemoryCheckpoints;

  constructor(
    log: MemoryLog,
    turns: MemoryTurns,
    { results, checkpoints }: { results: MemoryResults; checkpoints: MemoryCheckpoints },
  ) {
    this.#log = log;
    this.#turns = turns;
    this.#results = results;
    this.#checkpoints = checkpoints;
  }

  page({ most, after, text = "", workspaces, includesSingleCalls }: ConversationQuery): ConversationPage {
    const rows = this.#latestFirst()
      .filter(({ touched }) => after === undefined || touched < after)
      .filter(({ conversationId }) => includesSingleCalls || !isOfSingleCall(conversationId))
      .filter((conversation) => text === "" || isFound(conversation, text))
      .map((conversation) => ({ touched: conversation.touched, row: this.#row(conversation) }))
      .filter(({ row }) => workspaces?.includes(row.workspace) ?? true);
    const last = rows.length > most ? rows[most - 1] : undefined;
    return { conversations: rows.slice(0, most).map(({ row }) => row), ...(last && { next: last.touched }) };
  }

  async expiring(rule: ExpiryRule, { most, skip }: { most: number; skip: number }) {
    return this.#expiring(rule)
      .slice(skip, skip + most)
      .map(({ conversationId, entries }) => ({ conversationId, lastSeq: entries.length }));
  }

  /** Returns the conversations that the rule names, the oldest first. */
  #expiring(rule: ExpiryRule): MemoryConversation[] {
    if (rule.beyond !== undefined) {
      const listed = this.#latestFirst().filter(({ conversationId }) => !isOfSingleCall(conversationId));
      return listed.slice(rule.beyond).reverse();
    }
    const { changedBefore, now, isForSingleCalls } = rule;
    const oldestFirst = this.#latestFirst().reverse();
    const firstToStay = oldestFirst.findIndex((each) =>
      [each.updatedAt, each.touched].some((time) => time >= changedBefore && time <= now),
    );
    return oldestFirst
      .slice(0, firstToStay === -1 ? undefined : firstToStay)
      .filter(({ updatedAt }) => updatedAt < changedBefore)
      .filter(({ conversationId }) => !isForSingleCalls || isOfSingleCall(conversationId))
      .sort((a, b) => a.updatedAt - b.updatedAt);
  }

  async lastChange(): Promise<number> {
    return this.#latestFirst()[0]?.updatedAt ?? 0;
  }

  async unfinished() {
    return this.#turns.owners();
  }

  async amend(conversationId: string, decide: (events: readonly StoredEvent[]) => ChatEvent): Promise<StoredEvent> {
    if (this.#turns.unfinishedIn(conversationId).length > 0) throwUnfinished(conversationId);
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
    this.#log.insertCopies(conversationId, to, seqs, (event) => renumbered(event, seqs) ?? event);
  }

  async delete(conversationId: string): Promise<boolean> {
    if (this.#turns.unfinishedIn(conversationId).some(({ nodeId }) => nodeId !== undefined)) throwOwned(conversationId);
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
    this.#checkpoints.deleteOf(conversationId);
    this.#turns.delete(conversationId);
    // A result is deleted only if its conversation and all copies of that conversation have been deleted.
    const needed = new Set([...conversations.values()].flatMap((left) => [left.conversationId, ...originsOf(left)]));
    for (const id of [conversationId, ...origins]) if (!needed.has(id)) this.#results.deleteOf(id);
    return existed;
  }

  #latestFirst(): MemoryConversation[] {
    return [...this.#log.conversations.values()].sort((a, b) => b.touched - a.touched);
  }

  #row({ conversationId, entries, updatedAt }: MemoryConversation): ConversationSummary {
    const { title, turns } = conversationFacts(entries.map(({ event }) => event));
    const workspace = this.#turns.folderOf(conversationId);
    return { conversationId, lastSeq: entries.length, updatedAt, title: title ?? "", workspace, turns };
  }
}

/** Returns true if a search finds the conversation: see `ConversationQuery`. */
function isFound({ conversationId, entries }: MemoryConversation, text: string): boolean {
  const events = entries.map(({ event }) => event);
  if (!isInMessages(text)) return lowerTitle(conversationFacts(events).title ?? "").includes(lowerTitle(text));
  if (isOfSingleCall(conversationId)) return false;
  return [...searchedTexts(events).values()].some((searched) => searched.includes(lowerTitle(text)));
}

/** Returns the ids of the conversations from which this conversation was copied, directly or through other copies. */
function originsOf(conversation: MemoryConversation | undefined): string[] {
  const first = conversation?.entries[0]?.event;
  return first?.type === "fork" ? first.origins : [];
}

import { addTo } from "../../core/lists/long-lists.js";
import { writtenMessage } from "../api/attached-file.js";
import type { StoredChunk, StoredMessage } from "../api/host-messages.js";
import type { Item, QuestionItem, ShownConversation, ToolItem, Turn } from "./shown-conversation.js";

/** A turn that this fold may still change, because it was not returned yet. */
type DraftTurn = Omit<Turn, "items"> & { items: Item[] };

type LaterChunk = Exclude<StoredChunk, { type: "user_message" | "rewind" | "fork" | "title" }>;

/**
 * Folds the stored messages of a conversation into what the page shows, in time that grows with the number of messages. The messages may
 * begin in the middle of the log, as the last part of a long conversation does: messages of a turn whose beginning is missing are kept until
 * `prepend` brings it. A returned conversation never changes, and turns in which nothing happened stay the same objects.
 */
export class ConversationFold {
  #origin: string | undefined;
  #turns: Turn[] = [];
  /** Index in `#turns`, by turn id. */
  readonly #indexes = new Map<string, number>();
  /** Turns of `#turns` that were changed since the last conversation was returned. */
  readonly #drafts = new Map<string, DraftTurn>();
  /** Messages of turns whose beginning has not come, by turn id. */
  #headless = new Map<string, StoredMessage[]>();
  /** Turns that began after this event were taken back, if they began before the first message of this fold. */
  #earliestRewind = Number.POSITIVE_INFINITY;
  /** Reasoning and text of an answer. They arrive before the usage of the answer, with the same `seq`. */
  #answer = { reasoning: "", text: "" };

  /** Returns the conversation with these messages added at its end. The messages must come in the order of the log. */
  add(messages: readonly StoredMessage[]): ShownConversation {
    for (const message of messages) this.#take(message);
    return this.#conversation();
  }

  /** Returns the conversation with the messages that come directly before those that are in it. */
  prepend(messages: readonly StoredMessage[]): ShownConversation {
    const earlier = new ConversationFold();
    for (const message of messages) earlier.#take(message);
    // A message goes to its turn if the turn begins in `messages`. Otherwise it keeps waiting for the beginning.
    for (const waiting of this.#headless.values()) for (const message of waiting) earlier.#take(message);
    this.#headless = earlier.#headless;
    this.#origin ??= earlier.#origin;
    this.#turns = [...earlier.#turns.filter(({ seq }) => seq <= this.#earliestRewind), ...this.#turns];
    this.#earliestRewind = Math.min(this.#earliestRewind, earlier.#earliestRewind);
    this.#indexes.clear();
    for (const [index, { turnId }] of this.#turns.entries()) this.#indexes.set(turnId, index);
    return this.#conversation();
  }

  #conversation(): ShownConversation {
    this.#drafts.clear();
    return { turns: [...this.#turns], ...(this.#origin !== undefined && { origin: this.#origin }) };
  }

  #take(message: StoredMessage): void {
    const { seq, chunk } = message;
    const { turn_id: turnId, at } = chunk.metadata;
    if (chunk.type === "title") return;
    if (chunk.type === "fork") this.#origin = chunk.data.origins[0];
    else if (chunk.type === "rewind") this.#rewind(chunk.data.to_seq);
    else if (chunk.type === "user_message") {
      const { request_id: requestId, model, content = [{ type: "text", text: chunk.data }] } = chunk.metadata;
      const turn: DraftTurn = {
        turnId,
        requestId,
        seq,
        lastSeq: seq,
        ...writtenMessage(content),
        content,
        model,
        startedAt: at,
        at,
        items: [],
      };
      this.#drafts.set(turnId, turn);
      this.#indexes.set(turnId, this.#turns.push(turn) - 1);
    } else {
      const turn = this.#draft(turnId);
      if (turn) this.#continue(turn, seq, chunk);
      else addTo(this.#headless, turnId, message);
    }
  }

  #rewind(toSeq: number): void {
    this.#earliestRewind = Math.min(this.#earliestRewind, toSeq);
    for (let last = this.#turns.at(-1); last && last.seq > toSeq; last = this.#turns.at(-1)) {
      this.#turns.pop();
      this.#indexes.delete(last.turnId);
      this.#drafts.delete(last.turnId);
    }
  }

  /** Returns a copy of the turn, which has taken its place. Undefined if the turn is not known or was taken back. */
  #draft(turnId: string): DraftTurn | undefined {
    const draft = this.#drafts.get(turnId);
    if (draft) return draft;
    const index = this.#indexes.get(turnId);
    const turn = index === undefined ? undefined : this.#turns[index];
    if (index === undefined || !turn) return undefined;
    const copy = { ...turn, items: [...turn.items] };
    this.#drafts.set(turnId, copy);
    this.#turns[index] = copy;
    return copy;
  }

  /** Adds an event that is not the first one of its turn. */
  #continue(turn: DraftTurn, seq: number, chunk: LaterChunk): void {
    const { at } = chunk.metadata;
    if (chunk.type === "reasoning" || chunk.type === "text") {
      this.#answer[chunk.type] = chunk.data;
      return;
    }
    turn.at = at;
    turn.lastSeq = seq;
    // If an event follows after a failure, the turn continues.
    delete turn.end;
    const { items } = turn;
    switch (chunk.type) {
      case "usage": {
        const { model, provider, attempts, interrupted, finish_reason: finishReason } = chunk.metadata;
        const isInterrupted = interrupted === true;
        const facts = { model, provider, attempts, finishReason, usage: chunk.data, isInterrupted };
        items.push({ kind: "answer", seq, ...this.#answer, ...facts, from: askedAt(turn), at });
        this.#answer = { reasoning: "", text: "" };
        break;
      }
      case "tool_call":
        items.push({ kind: "tool", ...chunk.data, plannedAt: at });
        break;
      case "tool_sent":
        changeTool(items, chunk.data.id, { sentAt: at });
        break;
      case "tool_result": {
        const { id, is_error: isError, content } = chunk.data;
        changeTool(items, id, { result: { at, isError, content } });
        break;
      }
      case "question":
        addQuestion(items, { kind: "question", at, question: chunk.data });
        break;
      case "answer": {
        const { question_id: id, value } = chunk.data;
        const index = items.findLastIndex((item) => item.kind === "question" && item.question.question_id === id);
        const [asked] = index >= 0 ? items.splice(index, 1) : [];
        if (asked) addQuestion(items, { ...(asked as QuestionItem), answer: { at, value } }, index);
        break;
      }
      case "compaction": {
        const { provider, model, usage } = chunk.metadata;
        items.push({ kind: "compaction", seq, at, summary: chunk.data, provider, model, usage });
        break;
      }
      case "trim":
        items.push({ kind: "trim", seq, at });
        break;
      case "turn_end":
        turn.end = { at, stopReason: chunk.data.stop_reason };
        break;
      case "turn_error":
        turn.end = { at, error: chunk.data };
        break;
      case "state_lost":
      case "catalogue":
        break;
      default:
        chunk satisfies never;
    }
  }
}

/** Adds a question, also to the call that it is about. */
function addQuestion(items: Item[], item: QuestionItem, index = items.length): void {
  const { question } = item;
  items.splice(index, 0, item);
  if (question.kind === "approval") changeTool(items, question.call_id, { approval: item });
}

/** Changes the last call with this id. The provider makes the ids, so an earlier answer may have a call with the same id. */
function changeTool(items: Item[], id: string, change: Partial<ToolItem>): void {
  const index = items.findLastIndex((item) => item.kind === "tool" && item.id === id);
  if (index >= 0) items[index] = { ...(items[index] as ToolItem), ...change };
}

/**
 * Returns the time when the model was asked for its next answer. This is the start of the turn, or the time when the turn's last tool call
 * had finished. Calls before the last answer had finished when that answer was asked for.
 */
function askedAt({ startedAt, items }: DraftTurn): number {
  let from = startedAt;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item?.kind === "answer") return Math.max(from, item.from);
    if (item?.kind === "tool") from = Math.max(from, item.result?.at ?? 0);
  }
  return from;
}

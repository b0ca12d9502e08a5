/** Folds the stored messages of a conversation into what the chat shows. The result is immutable. */

import type { StopReason } from "../../core/events.js";
import { addAll } from "../../core/lists/long-lists.js";
import type { FinishReason } from "../../core/messages.js";
import type { StoredMessage, WireError, WirePart, WireQuestion, WireUsage } from "../api/host-messages.js";

export interface ToolItem {
  kind: "tool";
  id: string;
  name: string;
  arguments: string;
  plannedAt: number;
  sentAt?: number;
  result?: { at: number; isError: boolean; content: readonly WirePart[] };
}

export interface AnswerItem {
  kind: "answer";
  seq: number;
  reasoning: string;
  text: string;
  /** Time when the model was asked. `at` is the time when the model answered. */
  from: number;
  at: number;
  model: string;
  provider: string;
  attempts: number;
  finishReason: FinishReason;
  usage: WireUsage | null;
  isInterrupted: boolean;
}

export interface QuestionItem {
  kind: "question";
  at: number;
  question: WireQuestion;
  answer?: { at: number; value: unknown };
}

export interface CompactionItem {
  kind: "compaction";
  seq: number;
  at: number;
  summary: string;
  provider: string;
  model: string;
  usage: WireUsage | null;
}

/** From here on, the model does not get the oldest turns. */
export interface TrimItem {
  kind: "trim";
  seq: number;
  at: number;
}

export type Item = ToolItem | AnswerItem | QuestionItem | CompactionItem | TrimItem;

export interface Turn {
  turnId: string;
  requestId: string;
  seq: number;
  text: string;
  startedAt: number;
  /** Time of the turn's last event. */
  at: number;
  items: readonly Item[];
  end?: { at: number; stopReason: StopReason } | { at: number; error: WireError };
}

export interface Dialogue {
  turns: readonly Turn[];
  origin?: string;
}

export const emptyDialogue: Dialogue = { turns: [] };

/** A turn that this fold may still change, because no dialogue with it was returned yet. */
type DraftTurn = Omit<Turn, "items"> & { items: Item[] };

/**
 * Folds messages in time that grows with their number. The messages may begin in the middle of the log, as the last part of a long
 * conversation does: messages of a turn whose beginning is missing are kept until `prepend` brings it. Turns in which nothing happened stay
 * the same objects.
 */
export class DialogueFold {
  #origin: string | undefined;
  #turns: Turn[] = [];
  /** Index in `#turns`, by turn id. */
  readonly #places = new Map<string, number>();
  /** Turns of `#turns` that were changed since the last dialogue was returned. */
  readonly #drafts = new Map<string, DraftTurn>();
  /** Messages of turns whose beginning has not come, by turn id. */
  #headless = new Map<string, StoredMessage[]>();
  /** Turns that began after this event were taken back, if they began before the first message of this fold. */
  #earliestRewind = Number.POSITIVE_INFINITY;
  /** Reasoning and text of an answer. They arrive before the usage of the answer, with the same `seq`. */
  #parts = { reasoning: "", text: "" };

  /** Returns the dialogue with these messages added at its end. The messages must come in the order of the log. */
  add(messages: readonly StoredMessage[]): Dialogue {
    for (const message of messages) this.#step(message);
    return this.#dialogue();
  }

  /** Returns the dialogue with the messages that come directly before those that are in it. */
  prepend(messages: readonly StoredMessage[]): Dialogue {
    const earlier = new DialogueFold();
    earlier.add(messages);
    const later = this.#headless;
    for (const { turnId } of earlier.#turns) for (const message of later.get(turnId) ?? []) earlier.#step(message);
    this.#headless = earlier.#headless;
    for (const [turnId, its] of later) if (!earlier.#places.has(turnId)) this.#hold(turnId, its);
    const standing = earlier.#turns.filter(({ seq }) => seq <= this.#earliestRewind);
    this.#turns = [...standing, ...this.#turns];
    this.#places.clear();
    for (const [index, { turnId }] of this.#turns.entries()) this.#places.set(turnId, index);
    this.#earliestRewind = Math.min(this.#earliestRewind, earlier.#earliestRewind);
    this.#origin ??= earlier.#origin;
    return this.#dialogue();
  }

  #dialogue(): Dialogue {
    this.#drafts.clear();
    return { turns: [...this.#turns], ...(this.#origin !== undefined && { origin: this.#origin }) };
  }

  #hold(turnId: string, messages: readonly StoredMessage[]): void {
    const held = this.#headless.get(turnId);
    if (held) addAll(held, messages);
    else this.#headless.set(turnId, [...messages]);
  }

  #step(message: StoredMessage): void {
    const { seq, chunk } = message;
    const { turn_id: turnId, at } = chunk.metadata;
    if (chunk.type === "fork") this.#origin = chunk.data.origins[0];
    else if (chunk.type === "rewind") this.#rewind(chunk.data.to_seq);
    else if (chunk.type === "user_message") {
      const { request_id: requestId } = chunk.metadata;
      const turn: DraftTurn = { turnId, requestId, seq, text: chunk.data, startedAt: at, at, items: [] };
      this.#drafts.set(turnId, turn);
      this.#places.set(turnId, this.#turns.push(turn) - 1);
    } else {
      const turn = this.#draft(turnId);
      if (turn) this.#next(turn, message);
      else this.#hold(turnId, [message]);
    }
  }

  #rewind(toSeq: number): void {
    this.#earliestRewind = Math.min(this.#earliestRewind, toSeq);
    for (let last = this.#turns.at(-1); last && last.seq > toSeq; last = this.#turns.at(-1)) {
      this.#turns.pop();
      this.#places.delete(last.turnId);
      this.#drafts.delete(last.turnId);
    }
  }

  /** Returns a copy of the turn, which has taken its place. Undefined if the turn is not known or was taken back. */
  #draft(turnId: string): DraftTurn | undefined {
    const draft = this.#drafts.get(turnId);
    if (draft) return draft;
    const index = this.#places.get(turnId);
    const turn = index === undefined ? undefined : this.#turns[index];
    if (index === undefined || !turn) return undefined;
    const copy = { ...turn, items: [...turn.items] };
    this.#drafts.set(turnId, copy);
    this.#turns[index] = copy;
    return copy;
  }

  #next(turn: DraftTurn, { seq, chunk }: StoredMessage): void {
    const { at } = chunk.metadata;
    if (chunk.type === "reasoning" || chunk.type === "text") {
      this.#parts[chunk.type] = chunk.data;
      return;
    }
    turn.at = at;
    // If an event follows after a failure, the turn continues.
    delete turn.end;
    const { items } = turn;
    switch (chunk.type) {
      case "usage": {
        const { model, provider, attempts, interrupted, finish_reason: finishReason } = chunk.metadata;
        const parts = this.#parts;
        this.#parts = { reasoning: "", text: "" };
        const facts = {
          model,
          provider,
          attempts,
          finishReason,
          usage: chunk.data,
          isInterrupted: interrupted === true,
        };
        items.push({ kind: "answer", seq, ...parts, ...facts, from: lastAnswered(turn), at });
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
        items.push({ kind: "question", at, question: chunk.data });
        break;
      case "answer": {
        const { question_id: id, value } = chunk.data;
        const index = items.findLastIndex((item) => item.kind === "question" && item.question.question_id === id);
        if (index >= 0) items[index] = { ...(items[index] as QuestionItem), answer: { at, value } };
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
    }
  }
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
function lastAnswered({ startedAt, items }: DraftTurn): number {
  let from = startedAt;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item?.kind === "answer") return Math.max(from, item.from);
    if (item?.kind === "tool") from = Math.max(from, item.result?.at ?? 0);
  }
  return from;
}

/** Returns the first turn that has not ended. Later turns wait for it. */
export function runningTurn({ turns }: Dialogue): Turn | undefined {
  return turns.find(({ end }) => !end);
}

export function openQuestion({ items, end }: Turn): QuestionItem | undefined {
  if (end) return undefined;
  return items.find((item) => item.kind === "question" && !item.answer) as QuestionItem | undefined;
}

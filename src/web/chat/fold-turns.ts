/** Folds the stored messages of a conversation into what the chat shows. The result is immutable. */
import type { StopReason } from "../../core/events.js";
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

/** Reasoning and text of an answer. They arrive before the usage of the answer, with the same `seq`. */
interface ShownParts {
  reasoning: string;
  text: string;
}

export class DialogueFold {
  #parts: ShownParts = { reasoning: "", text: "" };

  /** Returns the dialogue with these messages added. The messages must come in the order of the log. */
  with(dialogue: Dialogue, messages: readonly StoredMessage[]): Dialogue {
    return messages.reduce((so, message) => this.#step(so, message), dialogue);
  }

  #step(dialogue: Dialogue, { seq, chunk }: StoredMessage): Dialogue {
    const { turn_id: turnId, at } = chunk.metadata;
    switch (chunk.type) {
      case "fork":
        return { ...dialogue, origin: chunk.data.origins[0] };
      case "rewind":
        return { ...dialogue, turns: dialogue.turns.filter((turn) => turn.seq <= chunk.data.to_seq) };
      case "user_message": {
        const { request_id: requestId } = chunk.metadata;
        const turn = { turnId, requestId, seq, text: chunk.data, startedAt: at, at, items: [] };
        return { ...dialogue, turns: [...dialogue.turns, turn] };
      }
      default:
        return {
          ...dialogue,
          turns: dialogue.turns.map((turn) => (turn.turnId === turnId ? this.#next(turn, { seq, chunk }) : turn)),
        };
    }
  }

  #next(turn: Turn, { seq, chunk }: StoredMessage): Turn {
    const { at } = chunk.metadata;
    // Removes the end of the turn: if an event follows after a failure, the turn continues.
    const { end: _, ...open } = { ...turn, at };
    const add = (item: Item): Turn => ({ ...open, items: [...turn.items, item] });
    switch (chunk.type) {
      case "reasoning":
      case "text":
        this.#parts[chunk.type] = chunk.data;
        return turn;
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
        return add({ kind: "answer", seq, ...parts, ...facts, from: lastAnswered(turn), at });
      }
      case "tool_call":
        return add({ kind: "tool", ...chunk.data, plannedAt: at });
      case "tool_sent":
        return { ...open, items: withTool(turn.items, chunk.data.id, { sentAt: at }) };
      case "tool_result": {
        const { id, is_error: isError, content } = chunk.data;
        return { ...open, items: withTool(turn.items, id, { result: { at, isError, content } }) };
      }
      case "question":
        return add({ kind: "question", at, question: chunk.data });
      case "answer": {
        const { question_id: id, value } = chunk.data;
        const isMeant = (item: Item) => item.kind === "question" && item.question.question_id === id;
        return {
          ...open,
          items: turn.items.map((item) => (isMeant(item) ? { ...item, answer: { at, value } } : item)),
        };
      }
      case "compaction": {
        const { provider, model, usage } = chunk.metadata;
        return add({ kind: "compaction", seq, at, summary: chunk.data, provider, model, usage });
      }
      case "trim":
        return add({ kind: "trim", seq, at });
      case "turn_end":
        return { ...open, end: { at, stopReason: chunk.data.stop_reason } };
      case "turn_error":
        return { ...open, end: { at, error: chunk.data } };
      default:
        return turn;
    }
  }
}

/** Changes the last call with this id. The provider makes the ids, so an earlier answer may have a call with the same id. */
function withTool(items: readonly Item[], id: string, change: Partial<ToolItem>): Item[] {
  const index = items.findLastIndex((item) => item.kind === "tool" && item.id === id);
  return items.map((item, each) => (each === index ? ({ ...item, ...change } as ToolItem) : item));
}

/**
 * Returns the time when the model was asked for its next answer. This is the start of the turn, or the time when the turn's last tool call
 * had finished.
 */
function lastAnswered(turn: Turn): number {
  const ends = turn.items.map((item) => (item.kind === "tool" ? (item.result?.at ?? 0) : 0));
  return Math.max(turn.startedAt, ...ends);
}

/** Returns the first turn that has not ended. Later turns wait for it. */
export function runningTurn({ turns }: Dialogue): Turn | undefined {
  return turns.find(({ end }) => !end);
}

export function openQuestion({ items, end }: Turn): QuestionItem | undefined {
  if (end) return undefined;
  return items.find((item) => item.kind === "question" && !item.answer) as QuestionItem | undefined;
}

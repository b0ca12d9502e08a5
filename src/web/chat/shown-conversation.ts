/** A conversation as the chat and the trace show it. `fold-conversation.ts` makes it from the stored messages. */

import type { StopReason } from "../../core/events.js";
import type { FinishReason } from "../../core/messages.js";
import type { WrittenMessage } from "../api/attached-file.js";
import type { AnswerUsage, ShownError, ShownPart, ShownQuestion } from "../api/host-messages.js";

export interface ToolItem {
  kind: "tool";
  id: string;
  name: string;
  arguments: string;
  plannedAt: number;
  /** The question whether the call may run. */
  approval?: QuestionItem;
  sentAt?: number;
  result?: { at: number; isError: boolean; content: readonly ShownPart[] };
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
  usage: AnswerUsage | null;
  isInterrupted: boolean;
}

export interface QuestionItem {
  kind: "question";
  at: number;
  question: ShownQuestion;
  answer?: { at: number; value: unknown };
}

export interface CompactionItem {
  kind: "compaction";
  seq: number;
  at: number;
  summary: string;
  provider: string;
  model: string;
  usage: AnswerUsage | null;
}

/** From here on, the model does not get the oldest turns. */
export interface TrimItem {
  kind: "trim";
  seq: number;
  at: number;
}

export type Item = ToolItem | AnswerItem | QuestionItem | CompactionItem | TrimItem;

export interface Turn extends WrittenMessage {
  turnId: string;
  requestId: string;
  seq: number;
  /** Number of its last event so far. */
  lastSeq: number;
  /** The message as it was sent. */
  content: readonly ShownPart[];
  /** The model that the request names. Undefined if the host chooses it. */
  model: string | undefined;
  startedAt: number;
  /** Time of the turn's last event. */
  at: number;
  items: readonly Item[];
  end?: { at: number; stopReason: StopReason } | { at: number; error: ShownError };
}

export interface ShownConversation {
  turns: readonly Turn[];
  origin?: string;
}

export const emptyConversation: ShownConversation = { turns: [] };

/** Returns the first turn that has not ended. Later turns wait for it. */
export function runningTurn({ turns }: ShownConversation): Turn | undefined {
  return turns.find(({ end }) => !end);
}

/** Returns the model that gives the last answer of the turn, as far as it is known. */
export function modelOf({ items, model }: Turn): string {
  const answer = items.findLast((item) => item.kind === "answer") as AnswerItem | undefined;
  return answer?.model ?? model ?? "The model";
}

/** Returns the name under which the page shows the tool of a question. */
export function askedTool({ server, tool }: { server: string; tool: string }): string {
  return `${server} · ${tool}`;
}

/** Returns the name under which the page shows the tool of a call. */
export function calledTool({ name, approval }: Pick<ToolItem, "name" | "approval">): string {
  if (approval?.question.kind === "approval") return askedTool(approval.question);
  const [server = "", ...rest] = name.split("__");
  return rest.length > 0 ? askedTool({ server, tool: rest.join("__") }) : name;
}

export function openQuestion({ items, end }: Turn): QuestionItem | undefined {
  if (end) return undefined;
  return items.find((item) => item.kind === "question" && !item.answer) as QuestionItem | undefined;
}

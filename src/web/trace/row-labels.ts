import { elapsedText } from "../../core/text/durations.js";
import type { AnswerUsage, ShownQuestion } from "../api/host-messages.js";
import { type LiveAnswer, liveNote } from "../chat/live-answer.js";
import { askedTool, calledTool } from "../chat/shown-conversation.js";
import { shownCount, shownDollars } from "../shared/format-text.js";
import type { Outcome, Sums, TraceRow } from "./rows.js";

export function rowLabel(row: TraceRow): string {
  switch (row.kind) {
    case "model":
      return row.item.model;
    case "asking":
      return "the model";
    case "tool":
      return calledTool(row.item);
    case "question":
      return questionLabel(row.item.question);
    case "compaction":
      return "summary of older turns";
    case "failure":
      return `failed: ${row.error.kind}`;
  }
}

function questionLabel(question: ShownQuestion): string {
  switch (question.kind) {
    case "approval":
      return `may ${askedTool(question)} run?`;
    case "elicitation":
      return `${question.server} asks you`;
    case "sampling":
      return `${question.server} asks the model`;
    case "limit":
      return `limit of ${question.limit}`;
  }
}

/** Words for each kind of row, for users who cannot see colours and bars. The label of the row follows, as in `request to the model`. */
export const kindLabels: Record<TraceRow["kind"], string> = {
  model: "request to the model",
  asking: "request to",
  tool: "tool",
  question: "question",
  compaction: "request for a",
  failure: "failure",
};

export const outcomeLabels: Record<Outcome, string> = {
  done: "done",
  failed: "error",
  running: "running",
  waiting: "waiting",
  left: "not finished",
};

export function rowNotes(row: TraceRow, live?: LiveAnswer): string[] {
  if (row.kind === "failure") return [row.error.error];
  const notes = row.outcome === "done" ? [] : [outcomeLabels[row.outcome]];
  if (row.kind === "model") return [...modelNotes(row), ...notes];
  if (row.kind === "asking") return live ? [liveNote(live)] : [];
  if (row.kind === "tool") return [...toolNotes(row), ...notes];
  return notes;
}

function modelNotes({ item: { attempts, usage, finishReason } }: Extract<TraceRow, { kind: "model" }>): string[] {
  return [
    retriesText(attempts - 1),
    finishReason === "length" ? "cut at its limit" : "",
    finishReason === "content_filter" ? "filtered" : "",
    usage ? tokensText(usage) : "",
    usage?.cost_usd === undefined ? "" : shownDollars(usage.cost_usd),
  ].filter(Boolean);
}

function toolNotes({ item: { sentAt, approval } }: Extract<TraceRow, { kind: "tool" }>): string[] {
  if (!approval) return [];
  if (!approval.answer) return ["asks you"];
  const after = elapsedText(approval.answer.at - approval.at);
  return [sentAt === undefined ? `not approved, after ${after}` : `approved after ${after}`];
}

function tokensText({ input_tokens, output_tokens }: AnswerUsage): string {
  return `${shownCount(input_tokens)} → ${shownCount(output_tokens)} tokens`;
}

/** Returns a text such as `1,200 tokens in, 80 out · $0.0042 · retried once`. Empty if nothing is known. */
export function sumsText({ inputTokens, outputTokens, usd, retries }: Sums): string {
  return [
    inputTokens + outputTokens > 0 ? `${shownCount(inputTokens)} tokens in, ${shownCount(outputTokens)} out` : "",
    usd === undefined ? "" : shownDollars(usd),
    retriesText(retries),
  ]
    .filter(Boolean)
    .join(" · ");
}

function retriesText(retries: number): string {
  if (retries <= 0) return "";
  return retries === 1 ? "retried once" : `retried ${retries} times`;
}

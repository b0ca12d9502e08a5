import { readApproval } from "../../core/approval.js";
import { type EventOf, isUnsaid, type StoredEvent } from "../../core/events.js";
import type { TurnSummary } from "../../session/shared/summary.js";
import { stopNote } from "../shared/turn-lines.js";
import { anthropicUsage } from "./anthropic-usage.js";
import { toolInput } from "./content-blocks.js";

/** Returns the fields of the `result` message that ends a turn. `events` are all events of the turn. */
export function resultMessage(summary: TurnSummary, events: readonly StoredEvent[]) {
  const subtype = subtypeOf(summary);
  const { stopReason, usage } = summary;
  const is_error = subtype !== "success" || stopReason === "refusal";
  const errors = errorsOf(summary);
  return {
    subtype,
    is_error,
    duration_api_ms: modelTimeMs(events),
    num_turns: events.filter((event) => event.type === "assistant_message" && !isUnsaid(event)).length,
    result: lastText(events),
    stop_reason: stopReason && plainEnds.has(stopReason) ? stopReason : null,
    usage: anthropicUsage(usage),
    permission_denials: denials(events),
    ...(is_error && { errors }),
  };
}

/** Returns the text of the last message that has text, as in Claude Code. What the model says beside earlier calls is not part of it. */
function lastText(events: readonly StoredEvent[]): string {
  const answers = events.filter((event) => event.type === "assistant_message");
  const isShown = ({ interrupted, message }: EventOf<"assistant_message">, index: number) =>
    message.content !== "" && (!interrupted || index === answers.length - 1);
  return answers.findLast(isShown)?.message.content ?? "";
}

const plainEnds = new Set(["end_turn", "max_tokens", "refusal"]);

function subtypeOf({ stopReason, limit }: TurnSummary): string {
  if (stopReason && plainEnds.has(stopReason)) return "success";
  if (stopReason === "max_tool_hops") return "error_max_turns";
  return stopReason === "budget" && limit?.limit === "usd" ? "error_max_budget_usd" : "error_during_execution";
}

function errorsOf(summary: TurnSummary): string[] {
  const { error } = summary;
  if (error) return [error.hint ? `${error.message} (${error.hint})` : error.message];
  return [stopNote(summary) ?? "the turn did not end"];
}

/**
 * Returns the time that the model took, in ms. For each answer, this is the time since the event before the answer, by the log's clock. It
 * includes the wait before the request could start.
 */
function modelTimeMs(events: readonly StoredEvent[]): number {
  return events.reduce((sum, event, index) => {
    const before = events[index - 1];
    return event.type === "assistant_message" && before ? sum + event.at - before.at : sum;
  }, 0);
}

function denials(events: readonly StoredEvent[]): object[] {
  const refused = new Set(
    events.flatMap((event) => (event.type === "answer" && !isAllowed(event.value) ? [event.questionId] : [])),
  );
  return events.flatMap((event) => {
    if (event.type !== "question" || event.question.kind !== "approval" || !refused.has(event.questionId)) return [];
    const { id, name, arguments: text } = event.question.call;
    return [{ tool_name: name, tool_use_id: id, tool_input: toolInput(text) }];
  });
}

function isAllowed(value: unknown): boolean {
  const answer = readApproval(value);
  return "allow" in answer && answer.allow;
}

import type { EventOf, StoredEvent } from "../../core/events.js";
import { indentedJson } from "../../core/json.js";
import { partsText, textOf } from "../../core/messages.js";
import { firstLine } from "../shared/command-text.js";

export function historyText(events: readonly StoredEvent[]): string {
  return events.flatMap(eventLines).join("\n") || "no message was sent yet";
}

/** Formats an event as lines for people. Returns no lines if the event is of use only to the host. */
export function eventLines(event: StoredEvent): string[] {
  switch (event.type) {
    case "user_message":
      return [`you: ${partsText(event.content)}`];
    case "assistant_message":
      return event.message.content ? [`assistant: ${event.message.content}`] : [];
    case "tool_call":
      return [`> ${event.call.name} ${event.call.arguments}`];
    case "tool_result":
      return [`  ${event.name} ${event.isError ? "error" : "ok"}: ${firstLine(textOf(event.content))}`];
    case "compaction":
      return [`(summary of what was said before: ${event.summary})`];
    case "trim":
      return ["(the oldest turns are left out from here on, because the model has no room for them)"];
    case "catalogue":
      return [`(the servers have changed: ${event.note.replaceAll("\n", " ")})`];
    case "state_lost":
      return [`(new server processes, whose earlier state in memory is lost: ${event.servers.join(", ")})`];
    case "turn_end":
      return event.stopReason === "end_turn" ? [] : [`(${event.stopReason})`];
    case "turn_error":
      return [`(error: ${event.error.message})`];
    case "rewind":
      return [`(taken back: everything after event ${event.toSeq})`];
    case "fork":
      return [`(a copy of ${event.origins[0]}, up to its event ${event.toSeq})`];
    case "title":
      return event.title ? [`(title: ${event.title})`] : [];
    case "tool_sent":
    case "question":
    case "answer":
      return [];
    default:
      event satisfies never; // at run time, an event of a later version of this program
      return [];
  }
}

/** Formats the last tool call of the conversation: its arguments as the model wrote them, and its whole result as the model got it. */
export function lastCallText(events: readonly StoredEvent[]): string {
  const last = events.findLast((event) => event.type === "tool_call");
  if (last?.type !== "tool_call") return "no tool was called yet";
  const { id, name, arguments: written } = last.call;
  const result = events.find((event) => event.type === "tool_result" && event.callId === id && event.seq > last.seq);
  const outcome = result?.type === "tool_result" ? resultText(result) : "(no result)";
  return `> ${name}\n${indentedJson(written)}\n${outcome}`;
}

function resultText({ content, isError }: EventOf<"tool_result">): string {
  return `${isError ? "error" : "ok"}\n${partsText(content)}`;
}

import type { StoredEvent } from "../core/events.js";
import { addAll } from "../core/lists/long-lists.js";

/**
 * Sorts the events of calls that ran concurrently by the order in which the calls were sent. The log has these events in the order in which
 * they happened, which differs between runs.
 */
export function inCallOrder(events: readonly StoredEvent[]): StoredEvent[] {
  const ordered: StoredEvent[] = [];
  let late: StoredEvent[] = [];
  let order: string[] = [];
  for (const event of events) {
    if (isLate(event) && order.length > 0) {
      late.push(event);
      continue;
    }
    addAll(ordered, sorted(late, order));
    late = [];
    if (event.type === "tool_sent") order.push(event.callId);
    else order = [];
    ordered.push(event);
  }
  return [...ordered, ...sorted(late, order)];
}

function isLate({ type }: StoredEvent): boolean {
  return type === "tool_result" || type === "question" || type === "answer";
}

/** Returns the questions, sorted by their content, each followed by the answers to it. The results come last, in the order of the calls. */
function sorted(late: readonly StoredEvent[], order: readonly string[]): StoredEvent[] {
  const questions = late.filter((event) => event.type === "question");
  const byText = questions.toSorted((one, other) =>
    compare(JSON.stringify(one.question), JSON.stringify(other.question)),
  );
  const asked = byText.flatMap((question) => [
    question,
    ...late.filter((event) => event.type === "answer" && event.questionId === question.questionId),
  ]);
  const results = late.filter((event) => event.type === "tool_result");
  return [...asked, ...results.toSorted((one, other) => order.indexOf(one.callId) - order.indexOf(other.callId))];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

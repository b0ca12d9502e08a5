/** Writes the conversations of a script as text that is the same in every run. */

import type { StoredEvent } from "../core/events.js";
import { idPattern } from "../core/ids.js";
import { isPlainObject } from "../core/json.js";
import { addAll } from "../core/lists/long-lists.js";
import { withoutPlace } from "../session/export/redact-export.js";

export interface Spoken {
  name: string;
  events: readonly StoredEvent[];
}

/**
 * Returns the stored events of all conversations as JSON lines, one conversation after the other. Ids are replaced by numbers in the order
 * in which the ids appear, and times are left out.
 */
export function transcriptOf(conversations: readonly Spoken[]): string {
  const ids = new Ids();
  return conversations
    .flatMap(({ name, events }) =>
      inCallOrder(events).map((stored) => {
        const { seq: _, at: __, ...event } = withoutPlace(stored);
        if (event.type === "assistant_message") for (const { id } of event.message.toolCalls) ids.note(id, "call");
        return `${JSON.stringify({ conversation: name, ...(ids.renamed(event) as object) })}\n`;
      }),
    )
    .join("");
}

/** Replaces ids by numbered names, in the order in which the ids appear. */
class Ids {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  note(id: string, prefix: string): string {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    const name = `${prefix}_${count}`;
    this.#names.set(id, name);
    return name;
  }

  renamed(value: unknown, key = ""): unknown {
    if (Array.isArray(value)) return value.map((item) => this.renamed(item));
    if (isPlainObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.renamed(item, name)]));
    }
    if (typeof value !== "string") return value;
    // The ids of calls are chosen by the provider and can be any text, so they are replaced only under the keys `id` and `callId`.
    const name = key === "id" || key === "callId" ? this.#names.get(value) : undefined;
    return name ?? value.replaceAll(idPattern, (id, prefix: string) => this.note(id, prefix));
  }
}

/**
 * Sorts the events of calls that ran concurrently by the order of the calls. The log has these events in the order in which they happened,
 * which differs between runs.
 */
function inCallOrder(events: readonly StoredEvent[]): StoredEvent[] {
  const ordered: StoredEvent[] = [];
  let running: StoredEvent[] = [];
  let order: string[] = [];
  for (const event of events) {
    if (isOfRunningCall(event)) {
      running.push(event);
      continue;
    }
    addAll(ordered, sorted(running, order));
    running = [];
    if (event.type === "tool_call") order.push(event.call.id);
    else order = [];
    ordered.push(event);
  }
  return [...ordered, ...sorted(running, order)];
}

function isOfRunningCall({ type }: StoredEvent): boolean {
  return type === "tool_sent" || type === "tool_result" || type === "question" || type === "answer";
}

/**
 * Returns the approvals in the order of the calls, the calls that were sent, the other questions, sorted by their content, and the results.
 * Each question is followed by the answers to it.
 */
function sorted(running: readonly StoredEvent[], order: readonly string[]): StoredEvent[] {
  const byCall = <Event extends StoredEvent>(list: readonly Event[], idOf: (event: Event) => string) =>
    list.toSorted((one, other) => order.indexOf(idOf(one)) - order.indexOf(idOf(other)));
  const questions = running.filter((event) => event.type === "question");
  const approvals = byCall(
    questions.filter(({ question }) => question.kind === "approval"),
    ({ question }) => (question.kind === "approval" ? question.call.id : ""),
  );
  const others = questions
    .filter(({ question }) => question.kind !== "approval")
    .toSorted((one, other) => compare(JSON.stringify(one.question), JSON.stringify(other.question)));
  const withAnswers = (asked: readonly StoredEvent[]) =>
    asked.flatMap((question) => [question, ...running.filter((event) => isAnswerTo(question, event))]);
  const sent = running.filter((event) => event.type === "tool_sent");
  const results = running.filter((event) => event.type === "tool_result");
  const ofCall = ({ callId }: { callId: string }) => callId;
  return [...withAnswers(approvals), ...byCall(sent, ofCall), ...withAnswers(others), ...byCall(results, ofCall)];
}

function isAnswerTo(question: StoredEvent, event: StoredEvent): boolean {
  return event.type === "answer" && question.type === "question" && event.questionId === question.questionId;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

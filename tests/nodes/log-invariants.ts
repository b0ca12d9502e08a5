/** Invariants of the logs of conversations, and of the acknowledgements that clients got. Each function returns the violations. */
import type { AssistantMessageEvent, StoredEvent } from "../../src/core/events.js";
import type { Outcome } from "./fault-lane.js";
import { textOf } from "./schedule.js";

export type Logs = ReadonlyMap<string, readonly StoredEvent[]>;

export interface Figures {
  turns: number;
  takeovers: number;
  /** Number of steps that were in flight when their node lost the turn, and were repeated. */
  repeated: number;
  /** Number of these steps that a node did before it learnt that it had lost the turn. */
  unaware: number;
  cancelled: number;
  crashed: number;
  unknownOutcomes: number;
}

/** Compares as JSON, because messages of a node have prototypes of another realm than those that a test parses. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isEnd({ type }: StoredEvent): boolean {
  return type === "turn_end" || type === "turn_error";
}

/** True for a whole answer. A closing host also stores answers that broke off, without their text, because they are billed. */
export function isWholeAnswer(event: StoredEvent): event is StoredEvent & AssistantMessageEvent {
  return event.type === "assistant_message" && !event.interrupted;
}

function turnsIn(logs: Logs): Map<string, StoredEvent[]> {
  const turns = new Map<string, StoredEvent[]>();
  for (const event of [...logs.values()].flat()) turns.set(event.turnId, [...(turns.get(event.turnId) ?? []), event]);
  return turns;
}

/** Sequence numbers have no gap. Each turn begins once, ends once, and has no event after its end. */
export function* ofLogs(logs: Logs): Generator<string> {
  for (const [conversationId, log] of logs) {
    if (log.some(({ seq }, index) => seq !== index + 1))
      yield `${conversationId} has gaps: ${log.map(({ seq }) => seq)}`;
  }
  for (const [turnId, events] of turnsIn(logs)) {
    const types = events.map(({ type }) => type);
    const begins = types.filter((type) => type === "user_message").length;
    if (begins !== 1 || types[0] !== "user_message") yield `${turnId} begins ${begins} times: ${types}`;
    if (events.findIndex(isEnd) !== events.length - 1)
      yield `${turnId} does not end once, with its last event: ${types}`;
    const results = events.flatMap((event) => (event.type === "tool_result" ? [event.callId] : []));
    if (new Set(results).size < results.length) yield `${turnId} has two results of one call: ${results}`;
  }
}

/** A turn begins when earlier turns have ended. A turn that was cancelled by name while it waited just ends. */
export function* ofOrder(logs: Logs): Generator<string> {
  for (const [conversationId, log] of logs) {
    const asked = log.filter(({ type }) => type === "user_message").map(({ turnId }) => turnId);
    const hasRun = new Set(log.filter((event) => event.type === "assistant_message").map(({ turnId }) => turnId));
    const doing = log.filter(({ type, turnId }) => type !== "user_message" && hasRun.has(turnId));
    const done = doing.map(({ turnId }) => turnId).filter((turnId, index, all) => turnId !== all[index - 1]);
    const expected = asked.filter((turnId) => hasRun.has(turnId));
    if (!isSame(done, expected)) yield `${conversationId} ran ${done} and not ${expected}`;
  }
}

/**
 * Each request has one turn, which all nodes named. A request sent after another one was acknowledged comes after it. Each turn ends as it
 * should.
 */
export function* ofRequests({ requests, cancelled }: Outcome, logs: Logs, figures: Figures): Generator<string> {
  for (const { prompt, turnIds, askedAt } of requests.values()) {
    figures.turns++;
    const { name, conversationId, plan } = prompt;
    const log = logs.get(conversationId) ?? [];
    const firsts = log.filter((event) => event.type === "user_message" && event.requestId === name);
    const [first] = firsts;
    const named = [...turnIds];
    if (!first || firsts.length !== 1 || named.length !== 1 || named[0] !== first.turnId) {
      yield `${name} was told to be ${named}, and is ${firsts.map(({ turnId }) => turnId)}`;
      continue;
    }
    for (const earlier of requests.values()) {
      if (earlier.prompt.conversationId !== conversationId || earlier.acknowledgedAt >= askedAt) continue;
      const before = log.find((event) => event.type === "user_message" && event.requestId === earlier.prompt.name);
      if (before && before.seq > first.seq) yield `${name} came after ${earlier.prompt.name} and is before it`;
    }
    const own = log.filter(({ turnId }) => turnId === first.turnId);
    const end = own.at(-1);
    if (end?.type === "turn_end" && end.stopReason === "cancelled") {
      figures.cancelled++;
      if (!cancelled.has(name)) yield `${name} ended as cancelled, which nobody asked for`;
    } else if (end?.type === "turn_error") {
      figures.crashed++;
      if (end.error.kind !== "crashed") yield `${name} failed: ${end.error.kind} ${end.error.message}`;
    } else if (end?.type === "turn_end") {
      const answers = own.filter(isWholeAnswer);
      const text = answers.at(-1)?.message.content ?? "";
      if (
        end.stopReason !== "end_turn" ||
        answers.length !== plan.length + 1 ||
        !text.startsWith(`done ${textOf(prompt)}`)
      ) {
        yield `${name} ended with ${end.stopReason} after ${answers.length} answers: ${text}`;
      }
    }
  }
}

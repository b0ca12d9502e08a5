import type { ChatEvent, StopReason } from "../../core/events.js";
import type { CalledTool } from "../shared/script-result.js";
import type { Kind } from "./kind.js";
import { inOrder, readOrder } from "./order.js";
import { nameOf, readMatcher } from "./tool-matcher.js";
import { containsTemplate, listed, quoted, shown } from "./words.js";

export const turnKinds = {
  "stop-reason": stopReason,
  "tool-error": callsThat("to fail", ({ isError, isDenied }) => isError && !isDenied),
  denied: callsThat("to be denied", ({ isDenied }) => isDenied),
  "event-sequence": eventSequence,
  latency,
  cost,
} satisfies Record<string, Kind>;

const stopReasons: Record<StopReason, true> = {
  end_turn: true,
  max_tokens: true,
  max_tool_hops: true,
  budget: true,
  refusal: true,
  cancelled: true,
  error: true,
};

const eventTypes: Record<ChatEvent["type"], true> = {
  user_message: true,
  assistant_message: true,
  tool_call: true,
  tool_sent: true,
  tool_result: true,
  question: true,
  answer: true,
  compaction: true,
  trim: true,
  state_lost: true,
  catalogue: true,
  turn_end: true,
  turn_error: true,
  rewind: true,
  fork: true,
  title: true,
};

/** Checks that each value is one of the words or a template. Returns a problem for the first other value, or undefined if there is none. */
function wrongWord(values: readonly unknown[], words: Record<string, true>): { problem: string } | undefined {
  const isWord = (one: unknown) => typeof one === "string" && (Object.hasOwn(words, one) || containsTemplate(one));
  const wrong = values.find((one) => !isWord(one));
  if (values.every(isWord)) return undefined;
  return { problem: `expected one of ${Object.keys(words).join(", ")}, got ${shown(wrong)}` };
}

function stopReason({ value }: { value?: unknown }): ReturnType<Kind> {
  const reasons: unknown[] = Array.isArray(value) && value.length > 0 ? value : [value];
  const wrong = wrongWord(reasons, stopReasons);
  if (wrong) return wrong;
  return (outcome) => ({
    holds: reasons.includes(outcome.stopReason),
    subject: "the turn",
    predicate: `to end with ${reasons.join(" or ")}`,
    found: outcome.stopReason === undefined ? "no turn ended" : `it ended with ${quoted(outcome.stopReason)}`,
  });
}

/**
 * Creates a type of assertion about the calls of a tool. The assertion's value is the pattern of a tool; `true` or no value means any tool.
 */
function callsThat(verb: string, isMeant: (call: CalledTool) => boolean): Kind {
  return ({ value }) => {
    const matcher =
      value === undefined || value === true ? { text: "a tool", matches: () => true } : readMatcher(value);
    if ("problem" in matcher) return matcher;
    return ({ calls }) => {
      const meant = calls.filter(isMeant);
      return {
        holds: meant.some(matcher.matches),
        subject: `a call of ${matcher.text}`,
        predicate: verb,
        found: meant.length > 0 ? `it happened to ${listed(meant.map(nameOf))}` : "it happened to none",
      };
    };
  };
}

function eventSequence({ value }: { value?: unknown }): ReturnType<Kind> {
  const order = readOrder(value);
  if ("problem" in order) return order;
  const wrong = wrongWord(order.steps, eventTypes);
  if (wrong) return wrong;
  const names = order.steps.map(String);
  return ({ events }) => {
    const types = events.map(({ type }) => type);
    const { holds, missing } = inOrder(order.mode, names, types, (name, type) => name === type);
    return {
      holds,
      subject: "the events",
      predicate: order.mode === "exact" ? `to be exactly ${listed(names)}` : `to have the order ${listed(names)}`,
      found: `${missing ? `${missing} did not come in its place; ` : ""}they were ${listed(types)}`,
    };
  };
}

function latency({ threshold, value }: Parameters<Kind>[0]): ReturnType<Kind> {
  const problem = limitProblem("milliseconds", threshold, value);
  if (problem) return problem;
  return ({ latencyMs }) => ({
    holds: latencyMs <= Number(threshold),
    subject: "the step",
    predicate: `to take at most ${threshold} ms`,
    found: `it took ${Math.round(latencyMs)} ms`,
  });
}

function cost({ threshold, value }: Parameters<Kind>[0]): ReturnType<Kind> {
  const problem = limitProblem("US dollars", threshold, value);
  if (problem) return problem;
  const predicate = `to cost at most $${threshold}`;
  return ({ costUsd }) =>
    costUsd === undefined
      ? { problem: `expected the step ${predicate}, but its cost is not known: the model has no price` }
      : { holds: costUsd <= Number(threshold), subject: "the step", predicate, found: `it cost $${costUsd}` };
}

function limitProblem(unit: string, threshold: unknown, value: unknown): { problem: string } | undefined {
  if (typeof threshold === "number" && threshold >= 0 && value === undefined) return undefined;
  if (value !== undefined) return { problem: `expected threshold in ${unit} instead of value` };
  return { problem: `expected threshold to be a number of ${unit}, got ${shown(threshold)}` };
}

/** Assertions about how the output came about: the tools that were used, their order, and the number of steps. */
import { isPlainObject } from "../../core/json.js";
import type { StepOutcome } from "../shared/script-result.js";
import type { AssertionProblem, Kind } from "./kind.js";
import { inOrder, readOrder } from "./order.js";
import { toolArgsMatch } from "./tool-args.js";
import { madeCalls, nameOf, readMatcher, readMatchers, type ToolMatcher } from "./tool-matcher.js";
import { listed, shown, unknownKey } from "./words.js";

export const trajectoryKinds = {
  "trajectory:tool-used": toolUsed,
  "trajectory:tool-sequence": toolSequence,
  "trajectory:tool-args-match": toolArgsMatch,
  "trajectory:step-count": stepCount,
} satisfies Record<string, Kind>;

const namesOf = ({ calls }: StepOutcome) => madeCalls(calls).map(nameOf);
const foundTools = (outcome: StepOutcome) => `tools used: ${listed(namesOf(outcome))}`;

/** Checks that all listed tools were used. With `not-`, checks that none of them was used. */
function toolUsed({ value }: { value?: unknown }, isNot: boolean): ReturnType<Kind> {
  if (isPlainObject(value)) return toolCount(value);
  const matchers = readMatchers(Array.isArray(value) ? value : [value]);
  if ("problem" in matchers) return matchers;
  const predicate = `to be used: ${listed(matchers.map(({ text }) => text))}`;
  return (outcome) => {
    const calls = madeCalls(outcome.calls);
    const isUsed = ({ matches }: ToolMatcher) => calls.some(matches);
    const holds = isNot ? matchers.some(isUsed) : matchers.every(isUsed);
    return { holds, subject: matchers.length > 1 ? "the tools" : "the tool", predicate, found: foundTools(outcome) };
  };
}

function toolCount(value: Record<string, unknown>): ReturnType<Kind> {
  const matcher = readMatcher(value);
  if ("problem" in matcher) return matcher;
  const range = readRange(value, 1);
  if ("problem" in range) return range;
  const wrong = unknownKey(value, ["name", "pattern", "min", "max"]);
  if (wrong) return wrong;
  return (outcome) => ({
    holds: isWithin(madeCalls(outcome.calls).filter(matcher.matches).length, range),
    subject: `the tool ${matcher.text}`,
    predicate: `to be used ${rangeText(range)} times`,
    found: foundTools(outcome),
  });
}

function toolSequence({ value }: { value?: unknown }): ReturnType<Kind> {
  const order = readOrder(value);
  if ("problem" in order) return order;
  const matchers = readMatchers(order.steps);
  if ("problem" in matchers) return matchers;
  const names = listed(matchers.map(({ text }) => text));
  return (outcome) => {
    const { holds, missing } = inOrder(order.mode, matchers, madeCalls(outcome.calls), ({ matches }, call) =>
      matches(call),
    );
    return {
      holds,
      subject: "the tools",
      predicate: order.mode === "exact" ? `to be exactly ${names}` : `to be used in the order ${names}`,
      found: `${missing ? `${missing.text} did not come in its place; ` : ""}${foundTools(outcome)}`,
    };
  };
}

const stepTypes = ["tool", "message"] as const;

/** Counts steps. A step is an answer of the model (`message`) or a call that was made (`tool`). */
function stepCount({ value }: { value?: unknown }): ReturnType<Kind> {
  if (!isPlainObject(value) || (value.min === undefined && value.max === undefined)) {
    return { problem: `expected value to be {min, max}, or one of them, got ${shown(value)}` };
  }
  const { name, pattern, type } = value;
  const matcher = name === undefined && pattern === undefined ? undefined : readMatcher(value);
  if (matcher && "problem" in matcher) return matcher;
  const range = readRange(value, 0);
  if ("problem" in range) return range;
  const types: unknown[] = type === undefined ? [...stepTypes] : Array.isArray(type) ? type : [type];
  if (!types.every((one) => stepTypes.some((known) => known === one))) {
    return { problem: `expected type to be ${stepTypes.join(" or ")}, got ${shown(type)}` };
  }
  const wrong = unknownKey(value, ["min", "max", "type", "name", "pattern"]);
  if (wrong) return wrong;
  return ({ calls, events }) => {
    const messages = matcher ? 0 : events.filter((event) => event.type === "assistant_message").length;
    const tools = madeCalls(calls).filter((call) => matcher?.matches(call) ?? true).length;
    const count = (types.includes("message") ? messages : 0) + (types.includes("tool") ? tools : 0);
    return {
      holds: isWithin(count, range),
      subject: `the steps${matcher ? ` of ${matcher.text}` : ""}`,
      predicate: `to be ${rangeText(range)}`,
      found: `there were ${count} (answers: ${messages}, calls: ${tools})`,
    };
  };
}

interface Range {
  min: number;
  max: number;
}

/** Reads a range of counts. Both `min` and `max` are optional; without `min`, `leastByDefault` applies. */
function readRange({ min, max }: Record<string, unknown>, leastByDefault: number): Range | AssertionProblem {
  const wrong = [min, max].find((one) => one !== undefined && !(Number.isInteger(one) && Number(one) >= 0));
  if (wrong !== undefined) return { problem: `expected min and max to be counts, got ${shown(wrong)}` };
  const range = { min: Number(min ?? leastByDefault), max: Number(max ?? Number.POSITIVE_INFINITY) };
  return range.min > range.max
    ? { problem: `expected min to be at most max, got ${range.min} and ${range.max}` }
    : range;
}

function isWithin(count: number, { min, max }: Range): boolean {
  return count >= min && count <= max;
}

/** Returns the range as text: `3`, `1 to 3`, `at least 1` or `at most 3`. */
function rangeText({ min, max }: Range): string {
  if (min === max) return String(min);
  if (max === Number.POSITIVE_INFINITY) return `at least ${min}`;
  return min === 0 ? `at most ${max}` : `${min} to ${max}`;
}

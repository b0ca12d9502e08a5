/**
 * The assertions that a script makes about a step. Assertions that promptfoo (a test tool for prompts) also has are named and written as in
 * promptfoo.
 */
import { messageOf } from "../../core/errors.js";
import { nearest } from "../../core/text/nearest.js";
import type { Assertion } from "../shared/script.js";
import type { AssertionResult, StepOutcome } from "../shared/script-result.js";
import { javascript } from "./javascript.js";
import { jsonKinds } from "./json-assertions.js";
import type { AssertionParts, AssertionProblem, AssertionVerdict, Check, Kind } from "./kind.js";
import { llmRubric } from "./rubric.js";
import { textKinds } from "./text-assertions.js";
import { trajectoryKinds } from "./trajectory.js";
import { turnKinds } from "./turn-assertions.js";
import { shown } from "./words.js";

const kinds: Readonly<Record<string, Kind>> = {
  ...textKinds,
  ...jsonKinds,
  javascript,
  "llm-rubric": llmRubric,
  ...trajectoryKinds,
  ...turnKinds,
};

/** Names of all assertion types. Each type also exists with the prefix `not-`. */
export const assertionTypes: readonly string[] = Object.keys(kinds);

const typesWithThreshold = ["latency", "cost", "javascript", "llm-rubric"];

/**
 * Validates an assertion before its templates are filled in. Returns a text that says what is wrong, or undefined if the assertion is
 * valid.
 */
export function problemOf(assertion: Assertion): string | undefined {
  const check = read(assertion);
  return "problem" in check ? check.problem : undefined;
}

/** Checks the outcome of a step against an assertion. Never rejects: an assertion that cannot be checked counts as failed. */
export async function check(
  assertion: Assertion,
  outcome: StepOutcome,
  parts: AssertionParts,
): Promise<AssertionResult> {
  const { position, type } = assertion;
  const verdict = await judged(read(assertion), outcome, parts);
  if ("problem" in verdict) return { position, type, passed: false, reason: verdict.problem };
  const { holds, subject, predicate, found, actual } = verdict;
  const isNot = type.startsWith("not-");
  return {
    position,
    type,
    passed: holds !== isNot,
    reason: `expected ${subject} ${isNot ? "not " : ""}${predicate}; ${found}`,
    ...(!holds && !isNot && actual !== undefined && { actual }),
  };
}

async function judged(
  check: Check | AssertionProblem,
  outcome: StepOutcome,
  parts: AssertionParts,
): Promise<AssertionVerdict | AssertionProblem> {
  if ("problem" in check) return check;
  try {
    return await check(outcome, parts);
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function read({ type, value, threshold, provider }: Assertion): Check | AssertionProblem {
  const isNot = type.startsWith("not-");
  const name = isNot ? type.slice("not-".length) : type;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) {
    const [meant] = nearest(name, assertionTypes, 1);
    return {
      problem: `unknown assertion ${shown(type)}${meant ? ` (did you mean "${isNot ? "not-" : ""}${meant}"?)` : ""}`,
    };
  }
  if (threshold !== undefined && !typesWithThreshold.includes(name)) return { problem: `${name} has no threshold` };
  if (provider !== undefined && name !== "llm-rubric") return { problem: `${name} has no provider` };
  return kind({ value, threshold, provider }, isNot);
}

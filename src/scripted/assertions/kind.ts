/** Types for assertions. The value of an assertion is parsed only once. The result is used to validate the script and to check outcomes. */

import type { Evaluate } from "../sandbox/sandbox.js";
import type { Assertion } from "../shared/script.js";
import type { StepOutcome } from "../shared/script-result.js";

/** Functions and variables that an assertion may use in addition to the outcome. */
export interface AssertionParts {
  evaluate: Evaluate;
  /** Asks a model to judge an output, in one request without tools. Resolves with the text of the model's answer. */
  ask(question: JudgeQuestion): Promise<string>;
  vars: Readonly<Record<string, unknown>>;
}

interface JudgeQuestion {
  system: string;
  prompt: string;
  /** Model to ask, as `provider/model`. Default: the model of the script. */
  model?: string;
}

/** A function that reads the parameters of an assertion. Returns the check, or a `problem` if the parameters are invalid. */
export type Kind = (
  written: Pick<Assertion, "value" | "threshold" | "provider">,
  isNot: boolean,
) => Check | AssertionProblem;

export type Check = (
  outcome: StepOutcome,
  parts: AssertionParts,
) => AssertionVerdict | AssertionProblem | Promise<AssertionVerdict | AssertionProblem>;

/** Result of a check. Messages combine its fields to the sentence `expected SUBJECT [not] PREDICATE; FOUND`. */
export interface AssertionVerdict {
  holds: boolean;
  subject: string;
  predicate: string;
  found: string;
  /** A value that would pass the assertion. */
  actual?: unknown;
}

/** Reason why an assertion cannot be checked. The assertion then fails, with and without `not-`. */
export interface AssertionProblem {
  problem: string;
}

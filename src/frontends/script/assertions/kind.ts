/** Types of an assertion. Each kind parses its value once, both for the reader of scripts and for the check. */
import type { StepOutcome } from "../result.js";
import type { Evaluate } from "../sandbox/sandbox.js";
import type { Assertion } from "../script.js";

/** Parts that an assertion may use besides the outcome. */
export interface AssertionParts {
  evaluate: Evaluate;
  /** Sends one model request without tools. Resolves to the answer's text. */
  ask(question: JudgeQuestion): Promise<string>;
  vars: Readonly<Record<string, unknown>>;
}

interface JudgeQuestion {
  system: string;
  prompt: string;
  /** Name as `provider/model`. Undefined: the script's model. */
  model?: string;
}

/** Reads an assertion's parameters. Returns `problem` if they are invalid. */
export type Kind = (written: Pick<Assertion, "value" | "threshold" | "provider">, isNot: boolean) => Check | Problem;

export type Check = (outcome: StepOutcome, parts: AssertionParts) => Verdict | Problem | Promise<Verdict | Problem>;

/** Result for the sentence `expected SUBJECT [not] PREDICATE; FOUND`. */
export interface Verdict {
  holds: boolean;
  subject: string;
  predicate: string;
  found: string;
  /** Value that would hold. */
  actual?: unknown;
}

/** A check that cannot be made. It fails with and without `not-`. */
export interface Problem {
  problem: string;
}

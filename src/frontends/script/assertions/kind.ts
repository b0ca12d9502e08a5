/** What an assertion is made of. Each kind reads how it was written once, for the reader of scripts and for the check alike. */
import type { StepOutcome } from "../result.js";
import type { Evaluate } from "../sandbox/sandbox.js";
import type { Assertion } from "../script.js";

/** What an assertion may use beside the outcome. */
export interface AssertionParts {
  evaluate: Evaluate;
  /** One model request without tools; resolves to the text of the answer. */
  ask(question: JudgeQuestion): Promise<string>;
  /** The script's variables, as `javascript` sees them. */
  vars: Readonly<Record<string, unknown>>;
}

interface JudgeQuestion {
  system: string;
  prompt: string;
  /** `provider/model`; undefined: the script's. */
  model?: string;
}

/** What an assertion says, without its type; `problem`: how it is written makes no sense. */
export type Kind = (written: Pick<Assertion, "value" | "threshold" | "provider">, isNot: boolean) => Check | Problem;

export type Check = (outcome: StepOutcome, parts: AssertionParts) => Verdict | Problem | Promise<Verdict | Problem>;

/** `expected SUBJECT [not] PREDICATE`, and what there was. */
export interface Verdict {
  holds: boolean;
  subject: string;
  predicate: string;
  found: string;
  /** The value that would hold. */
  actual?: unknown;
}

/** As the answer of a check: nothing can be said, which fails with and without `not-`. */
export interface Problem {
  problem: string;
}

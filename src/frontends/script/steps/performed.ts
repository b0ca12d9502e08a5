import type { rulesOf } from "../../../session/rules.js";
import type { Answers } from "../answers.js";
import type { Conversation } from "../conversations.js";
import type { ScriptLimits } from "../limits.js";
import type { ScriptHost } from "../parts.js";
import type { Failure, StepOutcome } from "../result.js";
import type { Script } from "../script.js";
import type { Variables } from "../variables.js";

/** What a step has to do with. */
export interface StepContext {
  host: ScriptHost;
  script: Script;
  /** `provider/model` that turns use; undefined: the configured one. */
  model: string | undefined;
  variables: Variables;
  conversation: Conversation;
  answers: Answers;
  limits: ScriptLimits;
  /** Of calls without a model. */
  rules: ReturnType<typeof rulesOf>;
  /** Values of assertions are being brought up to date. */
  updates?: boolean;
}

export interface Performed {
  outcome: StepOutcome;
  failure?: Failure;
  /** A step that asserts something of these types has expected the failure. */
  expectedBy?: readonly string[];
}

/** An outcome without a turn. */
export function plainOutcome(output: string, latencyMs: number, more: Partial<StepOutcome> = {}): StepOutcome {
  return { output, json: jsonOf(output), calls: [], events: [], latencyMs, ...more };
}

/** Undefined when the text is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

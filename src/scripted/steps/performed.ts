import { parseJson } from "../../core/json.js";
import type { rulesOf } from "../../session/shared/rules.js";
import type { Script } from "../shared/script.js";
import type { Failure, StepOutcome } from "../shared/script-result.js";
import type { Variables } from "../shared/variables.js";
import type { Answers } from "./answers.js";
import type { NamedConversation } from "./script-conversations.js";
import type { ScriptHost } from "./script-host.js";
import type { ScriptLimits } from "./script-limits.js";

export interface StepContext {
  host: ScriptHost;
  script: Script;
  /** Model of the turns, as `provider/model`. Default: the configured model. */
  model: string | undefined;
  variables: Variables;
  conversation: NamedConversation;
  answers: Answers;
  limits: ScriptLimits;
  /** Permission rules for calls that the script makes itself, without a model. */
  rules: ReturnType<typeof rulesOf>;
  updates?: boolean;
}

export interface Performed {
  outcome: StepOutcome;
  failure?: Failure;
  /** Types of assertions that expect this failure. If the step has an assertion of such a type, the failure does not make the step fail. */
  expectedBy?: readonly string[];
}

export function plainOutcome(output: string, latencyMs: number, more: Partial<StepOutcome> = {}): StepOutcome {
  return { output, json: parseJson(output), calls: [], events: [], latencyMs, ...more };
}

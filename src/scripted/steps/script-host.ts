/** Interface between the script runner and the host in which a script runs. */
import type { ToolHub } from "../../core/ports.js";
import type { Sessions } from "../../session/sessions.js";
import type { RuleDefaults } from "../../session/shared/rules.js";
import type { AssertionParts } from "../assertions/kind.js";
import type { ScriptedModel } from "../model/scripted-model.js";
import type { StepOutcome, StepResult } from "../shared/script-result.js";
import type { VariableValues } from "../shared/variables.js";

/** The host of a script. It has its own servers and its own event log. */
export interface ScriptHost {
  sessions: Sessions;
  hub: ToolHub;
  /** Returns the provider and model for a model's name. Throws LlmError. */
  resolveModel(model?: string): { provider: string; model: string };
  /** Permissions and system prompt for scripts that set none themselves. */
  defaults: RuleDefaults & { systemPrompt: string };
  /** Resolves when each of these servers is ready or has failed. */
  ready(servers: readonly string[]): Promise<void>;
  /** Sends one model request without tools, in which a model judges an assertion. Resolves with the answer and its usage. */
  ask(
    question: Parameters<AssertionParts["ask"]>[0],
    signal: AbortSignal,
  ): Promise<{ text: string } & Pick<StepOutcome, "usage" | "costUsd">>;
  /** Messages about all requests since the start of the script that the cassette or the scripted replies could not answer. */
  misses?: readonly { kind: "cassette" | "scripted"; said: readonly string[] }[];
  /** The scripted model. Set if the script has `model: scripted`. */
  scripted?: Pick<ScriptedModel, "during">;
  /** Returns the time of a monotonic clock, in ms. */
  now(): number;
}

export interface ScriptRunOptions {
  /** Model to use instead of the script's model. */
  model?: string;
  /** Variables that override the variables of the script and of the matrix. */
  vars?: VariableValues;
  /** Variables of the matrix. They override the variables of the script. */
  matrix?: VariableValues;
  /**
   * True if the actual values of failed `equals` assertions will be written into the script. Such an assertion then does not fail its step.
   */
  updates?: boolean;
  signal?: AbortSignal;
  /** Called after each step. The steps of a `parallel` are reported as they end, in any order. */
  onStep?: (result: StepResult) => void;
}

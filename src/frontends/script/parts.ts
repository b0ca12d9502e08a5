/** Interface between the script runner and its host. */
import type { Passage, ToolHub } from "../../core/ports.js";
import type { RuleDefaults } from "../../session/rules.js";
import type { Sessions } from "../../session/sessions.js";
import type { AssertionParts } from "./assertions/kind.js";
import type { StepOutcome, StepResult } from "./result.js";
import type { ScriptedModel } from "./scripted/scripted-model.js";

type Values = Readonly<Record<string, unknown>>;

/** The host of a script, with its own servers and event log. */
export interface ScriptHost {
  sessions: Sessions;
  hub: ToolHub;
  /** Prompts and resources as the servers provide them, unchanged. */
  passage: Pick<Passage, "prompts" | "readResource">;
  /** Throws LlmError. */
  resolveModel(model?: string): { provider: string; model: string };
  /** Values that apply if the script sets none. */
  defaults: RuleDefaults & { systemPrompt: string };
  /** Waits until these servers are ready or have failed. */
  ready(servers: readonly string[]): Promise<void>;
  /** Sends one model request without tools, for assertions that a model judges. Resolves to the answer and its usage. */
  ask(
    question: Parameters<AssertionParts["ask"]>[0],
    signal: AbortSignal,
  ): Promise<{ text: string } & Pick<StepOutcome, "usage" | "costUsd">>;
  /** Requests since the script's start that the cassette or the scripted replies could not answer, as messages. */
  misses?: readonly { kind: "cassette" | "scripted"; said: readonly string[] }[];
  /** Set for `model: scripted`. */
  scripted?: Pick<ScriptedModel, "during">;
  /** Returns ms of a monotonic clock. */
  now(): number;
}

export interface ScriptRunOptions {
  /** Replaces the script's model. */
  model?: string;
  /** Override the script's variables and the matrix. */
  vars?: Values;
  /** Variables of the matrix; they override the script's. */
  matrix?: Values;
  /** True if a failed `equals` does not fail the step, since the actual value is about to be written into the script. */
  updates?: boolean;
  signal?: AbortSignal;
  /** Called after each step. Steps of a `parallel` are reported in the order in which they end. */
  onStep?: (result: StepResult) => void;
}

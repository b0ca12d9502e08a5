/** What the runner of a script gets of its host. */
import type { Passage, ToolHub } from "../../core/ports.js";
import type { RuleDefaults } from "../../session/rules.js";
import type { Sessions } from "../../session/sessions.js";
import type { AssertionParts } from "./assertions/kind.js";
import type { StepOutcome, StepResult } from "./result.js";
import type { ScriptedModel } from "./scripted/scripted-model.js";

type Values = Readonly<Record<string, unknown>>;

/** The host that a script runs in: its own, with its servers and an event log of its own. */
export interface ScriptHost {
  sessions: Sessions;
  hub: ToolHub;
  /** The servers as they are. */
  passage: Pick<Passage, "prompts" | "readResource">;
  /** Throws LlmError. */
  resolveModel(model?: string): { provider: string; model: string };
  /** What holds where the script says nothing. */
  defaults: RuleDefaults & { systemPrompt: string };
  /** Resolves when these servers are ready or have failed. */
  ready(servers: readonly string[]): Promise<void>;
  /** One model request without tools, for assertions that a model judges, and what it took. */
  ask(
    question: Parameters<AssertionParts["ask"]>[0],
    signal: AbortSignal,
  ): Promise<{ text: string } & Pick<StepOutcome, "usage" | "costUsd">>;
  /** What could not be answered, in words, from the start of the script on: what the cassette did not have, what no reply was for. */
  misses?: readonly { kind: "cassette" | "scripted"; said: readonly string[] }[];
  /** Where it says what the script says. */
  scripted?: Pick<ScriptedModel, "during">;
  /** Milliseconds, of a clock that never goes back. */
  now(): number;
}

export interface ScriptRunOptions {
  /** Instead of the script's. */
  model?: string;
  /** Outrank the script's. */
  vars?: Values;
  /** Of the matrix; they outrank the script's, too. */
  matrix?: Values;
  /** An `equals` that does not hold fails nothing, because what there is instead is about to be written into the script. */
  updates?: boolean;
  /** Ends the script where it is. */
  signal?: AbortSignal;
  /** Told of every step when it is over; those of a `parallel` in the order of their end. */
  onStep?: (result: StepResult) => void;
}

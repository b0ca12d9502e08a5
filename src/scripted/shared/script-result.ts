/** A script's result, shared by the runner, the reports and the public API, and what makes the results of its steps. */

import { errorInfo } from "../../core/errors.js";
import type { StoredEvent } from "../../core/events.js";
import type { Usage } from "../../core/messages.js";
import { innerSteps, type Step, type StepKind } from "./script.js";
import type { ScriptPosition } from "./script-position.js";

/** A tool call within a step, made by the model or by the script. */
export interface CalledTool {
  /** Name of the server. The field `tool` below is the server's own name of the tool, such as `read_file`. */
  server: string;
  tool: string;
  /** Arguments of the call. Undefined if they are not valid JSON. */
  args: unknown;
  isError: boolean;
  /** True if the call was not allowed and therefore did not run. */
  isDenied: boolean;
  text: string;
}

export interface Failure {
  /** Kind of the error, such as `cassette`, `limit` or `required_server_down`. */
  kind: string;
  message: string;
  /** Advice for the user. Empty if there is no advice. */
  hint: string;
}

/** Outcome of a step. Assertions check it, and `save` reads values from it. */
export interface StepOutcome {
  /** Text of the model's answer, of the tool's result or of the resource. */
  output: string;
  /**
   * Structured content of the tool, or else the output parsed as JSON. Undefined if there is no structured content and the output is not
   * JSON.
   */
  json?: unknown;
  stopReason?: string;
  calls: readonly CalledTool[];
  /** Stored events of the step's turn. Empty if the step has no turn. */
  events: readonly StoredEvent[];
  latencyMs: number;
  usage?: Usage;
  /** Cost in US dollars. Undefined if it is unknown. */
  costUsd?: number;
  error?: { kind: string; message: string };
}

export interface AssertionResult {
  position: ScriptPosition;
  type: string;
  passed: boolean;
  /** Sentence with the expected and the actual value. */
  reason: string;
  /** The value that would have passed. Set for a failed `equals` assertion if its value has no templates. */
  actual?: unknown;
}

export interface StepResult {
  position: ScriptPosition;
  name: string;
  kind: StepKind;
  /** True if nothing failed. Also true for a skipped step. */
  passed: boolean;
  /** True if the step was not run, because an earlier step failed or a condition did not hold. */
  skipped: boolean;
  outcome?: StepOutcome;
  assertions: readonly AssertionResult[];
  /** The error that stopped the step before its end. */
  error?: Failure;
  durationMs: number;
}

/** Result of one run of a script, with one model and one set of variables. */
export interface ScriptResult {
  name: string;
  file: string;
  /** Model of the run, as `provider/model`. */
  model: string;
  /** Variables that the matrix has set for this run. */
  vars: Readonly<Record<string, unknown>>;
  passed: boolean;
  steps: readonly StepResult[];
  /** The error that stopped the script, or that makes it fail as a whole, such as a failed server, a limit or unused replies. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** The conversations as JSON lines. They are the same in every run: ids are replaced by numbers, and times are left out. */
  transcript: string;
}

export function stepFailureOf(error: unknown): Failure {
  const { kind, message, hint } = errorInfo(error);
  return { kind, message, hint };
}

function base({ position, name, kind }: Step) {
  return { position, name, kind, skipped: false, assertions: [], durationMs: 0 };
}

export function passedStep(step: Step, more: Partial<StepResult> = {}): StepResult {
  return { ...base(step), passed: true, ...more };
}

export function failedStep(step: Step, error: unknown, more: Partial<StepResult> = {}): StepResult {
  return { ...base(step), passed: false, error: stepFailureOf(error), ...more };
}

/** Returns results for steps that are not run, and for the steps within them, so that a report lists all steps. */
export function skippedSteps(steps: readonly Step[]): StepResult[] {
  return steps.flatMap((step) => {
    const inner = innerSteps(step);
    return inner ? skippedSteps(inner) : [{ ...base(step), passed: true, skipped: true }];
  });
}

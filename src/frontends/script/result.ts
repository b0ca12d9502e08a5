/** Types of a script's result, shared by the runner, the reports and the public API. */
import type { StoredEvent, Usage } from "../../core/chat.js";
import type { Place, StepKind } from "./script.js";

/** A tool call in a step, made by the model or by the script. */
export interface CalledTool {
  /** The server's name and its own name of the tool: `fs`, `read_file`. */
  server: string;
  tool: string;
  /** Undefined if they did not parse. */
  args: unknown;
  isError: boolean;
  /** True if nobody allowed the call. */
  isDenied: boolean;
  text: string;
}

export interface Failure {
  /** Kind of the error: `cassette`, `limit`, `required_server_down`. */
  kind: string;
  message: string;
  /** Advice for the user. Empty if there is none. */
  hint: string;
}

/** A step's outcome for assertions and `save`. */
export interface StepOutcome {
  /** Text of the answer, the tool's result or the resource. */
  output: string;
  /** The output as JSON, or the tool's structured content. Undefined if there is neither. */
  json?: unknown;
  stopReason?: string;
  calls: readonly CalledTool[];
  /** Events of the turn. Empty for steps without one. */
  events: readonly StoredEvent[];
  latencyMs: number;
  usage?: Usage;
  /** Undefined if unknown. */
  costUsd?: number;
  error?: { kind: string; message: string };
}

export interface AssertionResult {
  place: Place;
  type: string;
  passed: boolean;
  /** A sentence with the expected and the actual value. */
  reason: string;
  /** Set for a failed `equals` without templates: the value that would hold. */
  actual?: unknown;
}

export interface StepResult {
  place: Place;
  name: string;
  kind: StepKind;
  /** True if nothing failed, also for a skipped step. */
  passed: boolean;
  /** True if an earlier step failed or the step's condition did not hold. */
  skipped: boolean;
  outcome?: StepOutcome;
  assertions: readonly AssertionResult[];
  /** Why the step could not be completed. */
  error?: Failure;
  durationMs: number;
}

/** One run of a script with one model and one set of variables. */
export interface ScriptResult {
  name: string;
  file: string;
  /** Name as `provider/model`. */
  model: string;
  /** Variables of the matrix. */
  vars: Readonly<Record<string, unknown>>;
  passed: boolean;
  steps: readonly StepResult[];
  /** Why the script did not start or finish, such as a server, a limit, or unused replies. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** The conversations as JSON lines that are equal in every run: ids are numbered, times are left out. */
  transcript: string;
}

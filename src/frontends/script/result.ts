/** What came of a script: what runs many of them, reports them and is public shares these words. */
import type { StoredEvent, Usage } from "../../core/chat.js";
import type { Place, StepKind } from "./script.js";

/** A call of a tool in a step, by the model or by the script. */
export interface CalledTool {
  /** Of the server, and by it: `fs`, `read_file`. */
  server: string;
  tool: string;
  /** Undefined where they did not parse. */
  args: unknown;
  isError: boolean;
  /** Nobody allowed it. */
  isDenied: boolean;
  text: string;
}

/** An error as it is reported. */
export interface Failure {
  /** Of the error's class: `cassette`, `limit`, `required_server_down`. */
  kind: string;
  message: string;
  /** What to do about it; empty where there is nothing to say. */
  hint: string;
}

/** What a step came to, as assertions and `save` see it. */
export interface StepOutcome {
  /** The answer's text, the tool's, the resource's. */
  output: string;
  /** The output as JSON, the tool's structured content; undefined when it is none. */
  json?: unknown;
  stopReason?: string;
  calls: readonly CalledTool[];
  /** Of the turn; empty for steps without one. */
  events: readonly StoredEvent[];
  latencyMs: number;
  usage?: Usage;
  /** Undefined: not known. */
  costUsd?: number;
  error?: { kind: string; message: string };
}

export interface AssertionResult {
  place: Place;
  type: string;
  passed: boolean;
  /** Why, in a sentence: what was expected and what there was. */
  reason: string;
  /** Of an `equals` that does not hold and has no template in it: the value that would. */
  actual?: unknown;
}

export interface StepResult {
  place: Place;
  name: string;
  kind: StepKind;
  /** Nothing of it has failed: also of a step that was skipped. */
  passed: boolean;
  /** An earlier step failed, or its condition did not hold. */
  skipped: boolean;
  outcome?: StepOutcome;
  assertions: readonly AssertionResult[];
  /** Why it could not be done at all. */
  error?: Failure;
  durationMs: number;
}

/** One run of a script: with one model, one set of variables. */
export interface ScriptResult {
  name: string;
  file: string;
  /** `provider/model`. */
  model: string;
  /** Of the matrix. */
  vars: Readonly<Record<string, unknown>>;
  passed: boolean;
  steps: readonly StepResult[];
  /** What kept it from beginning, or its end from coming: a server, a limit, replies that nobody asked for. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** The conversation as JSON lines without what differs from run to run: ids by order, no times. */
  transcript: string;
}

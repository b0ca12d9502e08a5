/** What is kept of a run once it is over: bounded, however much it did. */
import type { Usage } from "../../../core/chat.js";
import { endsOf } from "../../../core/excerpt.js";
import type { AssertionResult, Failure, ScriptResult, StepResult } from "../result.js";
import type { Place } from "../script.js";
import type { PlannedRun } from "./plan.js";

/** `cancelled`: it had begun. `skipped`: it had not. */
export type RunStatus = "passed" | "failed" | "cancelled" | "skipped";

export interface RunReport {
  name: string;
  place: Place;
  /** Of the script: what its runs are summed up by. */
  script: string;
  /** `provider/model`; empty where it was not known yet. */
  model: string;
  vars: Readonly<Record<string, unknown>>;
  status: RunStatus;
  steps: readonly StepReport[];
  /** What is not the fault of one step. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** Path of the file. */
  transcript?: string;
}

export interface StepReport {
  name: string;
  kind: StepResult["kind"];
  place: Place;
  status: "passed" | "failed" | "skipped";
  durationMs: number;
  error?: Failure;
  /** Those that do not hold. */
  failures: readonly AssertionResult[];
}

/** Bytes: a name, a reason, an error with its diff. */
const maxName = 300;
const maxText = 4000;

/** `transcript`: the path of its file. Keeps nothing of what was said but reasons and errors. */
export function reportOf(run: PlannedRun, result: ScriptResult, transcript?: string): RunReport {
  const { passed, model, steps, error, durationMs, usage, costUsd } = result;
  const status = error?.kind === "aborted" ? "cancelled" : passed ? "passed" : "failed";
  const reports = steps.map(stepReport);
  // The step that met the limit or the cancellation says it already.
  const isTold = steps.some((step) => step.error?.message === error?.message && step.error?.kind === error?.kind);
  return {
    ...base(run),
    model,
    status,
    steps: reports,
    ...(error && !isTold && { error: bounded(error) }),
    durationMs,
    ...(usage && { usage }),
    ...(costUsd !== undefined && { costUsd }),
    ...(transcript !== undefined && { transcript }),
  };
}

export function skippedReport(run: PlannedRun): RunReport {
  return { ...base(run), model: run.model ?? "", status: "skipped", steps: [], durationMs: 0 };
}

function base({ name, script, matrix }: PlannedRun) {
  return { name: endsOf(name, maxName), place: script.place, script: endsOf(script.name, maxName), vars: matrix };
}

function stepReport({ name, kind, place, passed, skipped, durationMs, error, assertions }: StepResult): StepReport {
  return {
    name: endsOf(name, maxName),
    kind,
    place,
    status: skipped ? "skipped" : passed ? "passed" : "failed",
    durationMs,
    ...(error && { error: bounded(error) }),
    failures: assertions
      .filter((each) => !each.passed)
      .map(({ place: at, type, reason }) => {
        return { place: at, type, passed: false, reason: endsOf(reason, maxText) };
      }),
  };
}

function bounded({ kind, message, hint }: Failure): Failure {
  return { kind, message: endsOf(message, maxText), hint: endsOf(hint, maxText) };
}

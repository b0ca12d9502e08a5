/** The bounded record of a finished run. */
import type { Usage } from "../../../core/chat.js";
import { endsOf } from "../../../core/excerpt.js";
import type { AssertionResult, Failure, ScriptResult, StepResult } from "../result.js";
import type { Place } from "../script.js";
import type { PlannedRun } from "./plan.js";

/** `cancelled`: the run had begun. `skipped`: it had not. */
export type RunStatus = "passed" | "failed" | "cancelled" | "skipped";

export interface RunReport {
  name: string;
  place: Place;
  /** Name of the script, by which runs are summed up. */
  script: string;
  /** Name as `provider/model`. Empty if it was not known yet. */
  model: string;
  vars: Readonly<Record<string, unknown>>;
  status: RunStatus;
  steps: readonly StepReport[];
  /** Set for an error that is not one step's fault. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** Path of the transcript's file. */
  transcript?: string;
}

export interface StepReport {
  name: string;
  kind: StepResult["kind"];
  place: Place;
  status: "passed" | "failed" | "skipped";
  durationMs: number;
  error?: Failure;
  failures: readonly AssertionResult[];
}

/** Limits in bytes: of a name; of a reason or an error with its diff. */
const maxName = 300;
const maxText = 4000;

/** `transcript`: the path of its file. Of all texts only reasons and errors are kept. */
export function reportOf(run: PlannedRun, result: ScriptResult, transcript?: string): RunReport {
  const { passed, model, steps, error, durationMs, usage, costUsd } = result;
  const status = error?.kind === "aborted" ? "cancelled" : passed ? "passed" : "failed";
  const reports = steps.map(stepReport);
  // A step that met the limit or the cancellation already reports it.
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

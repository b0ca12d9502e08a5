/** The record of a finished run, with texts of limited length. */
import type { Usage } from "../../core/messages.js";
import { endsOf } from "../../core/text/excerpt.js";
import { exitCodeOfScripts } from "../../doors/shared/exit-codes.js";
import type { ScriptPosition } from "../shared/script-position.js";
import type { AssertionResult, Failure, ScriptResult, StepResult } from "../shared/script-result.js";
import type { PlannedRun } from "./run-plan.js";

/** `cancelled` means that the run had begun when it was cancelled. `skipped` means that it had not begun. */
export type RunStatus = "passed" | "failed" | "cancelled" | "skipped";

export interface RunReport {
  name: string;
  position: ScriptPosition;
  /** Name of the script. The summary has one row per script. */
  script: string;
  /** Model of the run, as `provider/model`. Empty if it was not known yet. */
  model: string;
  vars: Readonly<Record<string, unknown>>;
  status: RunStatus;
  steps: readonly StepReport[];
  /** Error that does not belong to a single step. */
  error?: Failure;
  durationMs: number;
  usage?: Usage;
  costUsd?: number;
  /** Path of the file with the transcript. */
  transcript?: string;
}

export interface StepReport {
  name: string;
  kind: StepResult["kind"];
  position: ScriptPosition;
  status: "passed" | "failed" | "skipped";
  durationMs: number;
  error?: Failure;
  failures: readonly AssertionResult[];
}

/** Limits in bytes: `maxName` for names, `maxText` for failure messages of assertions and for errors. */
const maxName = 300;
const maxText = 4000;

/**
 * Returns the report of a run. The only texts in the report are names, errors, and failure messages of assertions. `transcript` is the path
 * of the file with the transcript.
 */
export function reportOf(run: PlannedRun, result: ScriptResult, transcript?: string): RunReport {
  const { passed, model, steps, error, durationMs, usage, costUsd } = result;
  const status = error?.kind === "aborted" ? "cancelled" : passed ? "passed" : "failed";
  const reports = steps.map(stepReport);
  // A limit or a cancellation may have failed a step. The step then already reports the error, so it is not repeated here.
  const isReported = steps.some((step) => step.error?.message === error?.message && step.error?.kind === error?.kind);
  return {
    ...base(run),
    model,
    status,
    steps: reports,
    ...(error && !isReported && { error: bounded(error) }),
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
  return { name: endsOf(name, maxName), position: script.position, script: endsOf(script.name, maxName), vars: matrix };
}

function stepReport({ name, kind, position, passed, skipped, durationMs, error, assertions }: StepResult): StepReport {
  return {
    name: endsOf(name, maxName),
    kind,
    position,
    status: skipped ? "skipped" : passed ? "passed" : "failed",
    durationMs,
    ...(error && { error: bounded(error) }),
    failures: assertions
      .filter((each) => !each.passed)
      .map(({ position: at, type, reason }) => {
        return { position: at, type, passed: false, reason: endsOf(reason, maxText) };
      }),
  };
}

function bounded({ kind, message, hint }: Failure): Failure {
  return { kind, message: endsOf(message, maxText), hint: endsOf(hint, maxText) };
}

export function countsOf(reports: readonly RunReport[]): Record<RunStatus, number> {
  const counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0 };
  for (const { status } of reports) counts[status]++;
  return counts;
}

/** Returns the counts as text, such as `3 passed, 1 failed, 2 skipped`. Counts of zero are left out. */
export function countsText(reports: readonly RunReport[]): string {
  const counts = Object.entries(countsOf(reports)).filter(([, count]) => count > 0);
  return counts.map(([status, count]) => `${count} ${status}`).join(", ");
}

/** Returns the exit code for all runs. Skipped runs are ignored. */
export function exitCodeOf(reports: readonly RunReport[]): number {
  const begun = reports.filter(({ status }) => status !== "skipped");
  return exitCodeOfScripts(
    begun.map(({ status, error, steps }) => ({
      passed: status === "passed",
      error,
      steps: steps.map((step) => ({ passed: step.status !== "failed", error: step.error })),
    })),
  );
}

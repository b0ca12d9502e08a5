import { exitCodeOfScripts } from "../../../doors/shared/exit-codes.js";
import type { RunReport, RunStatus } from "../run-report.js";

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

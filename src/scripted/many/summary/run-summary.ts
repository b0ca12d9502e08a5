import { groupBy } from "../../../core/lists/long-lists.js";
import type { RunReport } from "../run-report.js";

export interface SummaryRow {
  name: string;
  /** Number of finished runs. Cancelled and skipped runs do not count. */
  runs: number;
  passed: number;
  inputTokens: number;
  outputTokens: number;
  /** Cost of all runs. Undefined if the cost of any run is unknown. */
  costUsd?: number;
  p50Ms: number;
  p95Ms: number;
}

export interface Summary {
  all: SummaryRow;
  models: readonly SummaryRow[];
  scripts: readonly SummaryRow[];
}

export function summaryOf(reports: readonly RunReport[]): Summary {
  const ended = reports.filter(({ status }) => status === "passed" || status === "failed");
  return {
    all: rowOf("all", ended),
    models: rowsBy(ended, ({ model }) => model || "(no model)"),
    scripts: rowsBy(ended, ({ script, position }) => `${script} (${position.file})`),
  };
}

function rowsBy(reports: readonly RunReport[], nameOf: (report: RunReport) => string): SummaryRow[] {
  return [...groupBy(reports, nameOf)].map(([name, group]) => rowOf(name, group));
}

function rowOf(name: string, reports: readonly RunReport[]): SummaryRow {
  const times = reports.map(({ durationMs }) => durationMs).sort((one, other) => one - other);
  // A run without model requests has no cost. Such a run is left out, because it must not make the sum unknown.
  const costs = reports.filter(({ usage, costUsd }) => usage || costUsd !== undefined).map(({ costUsd }) => costUsd);
  return {
    name,
    runs: reports.length,
    passed: reports.filter(({ status }) => status === "passed").length,
    inputTokens: sum(reports.map(({ usage }) => usage?.inputTokens ?? 0)),
    outputTokens: sum(reports.map(({ usage }) => usage?.outputTokens ?? 0)),
    ...(costs.every((cost) => cost !== undefined) && { costUsd: sum(costs) }),
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Returns the nearest-rank percentile of sorted numbers. Returns 0 if there are no numbers. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Formats results as one JSON document. The keys are in snake_case, and keys of times end with `_ms`, as everywhere in the host. */
import { toVisibleJson } from "../../../core/text/inert.js";
import { wireUsage } from "../../../doors/protocol/chunks.js";
import type { ManyResult } from "../run-many.js";
import { countsOf, type RunReport, type StepReport } from "../run-report.js";
import { type Summary, type SummaryRow, summaryOf } from "./run-summary.js";

export function resultsJson({ reports, durationMs }: ManyResult): string {
  const counts = countsOf(reports);
  return document({
    passed: counts.passed === reports.length,
    counts: { runs: reports.length, ...counts },
    duration_ms: Math.round(durationMs),
    runs: reports.map(runJson),
    summary: summaryTree(summaryOf(reports)),
  });
}

export function summaryJson(summary: Summary): string {
  return document(summaryTree(summary));
}

function document(tree: object): string {
  return `${toVisibleJson(tree, 2)}\n`;
}

function runJson({ name, position, model, vars, status, steps, error, ...rest }: RunReport) {
  const { durationMs, usage, costUsd, transcript } = rest;
  return {
    name,
    ...position,
    model,
    vars,
    status,
    duration_ms: Math.round(durationMs),
    ...(usage && { usage: wireUsage(usage) }),
    ...(costUsd !== undefined && { cost_usd: costUsd }),
    ...(error && { error }),
    ...(transcript !== undefined && { transcript }),
    steps: steps.map(stepJson),
  };
}

function stepJson({ name, kind, position, status, durationMs, error, failures }: StepReport) {
  return {
    name,
    kind,
    ...position,
    status,
    duration_ms: Math.round(durationMs),
    ...(error && { error }),
    ...(failures.length > 0 && {
      failures: failures.map(({ type, position: { file, line }, reason }) => ({ type, file, line, reason })),
    }),
  };
}

function summaryTree({ all, models, scripts }: Summary) {
  return { all: rowTree(all), models: models.map(rowTree), scripts: scripts.map(rowTree) };
}

function rowTree({ name, runs, passed, inputTokens, outputTokens, costUsd, p50Ms, p95Ms }: SummaryRow) {
  return {
    name,
    runs,
    passed,
    pass_rate: runs === 0 ? null : passed / runs,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost_usd: costUsd ?? null,
    p50_ms: Math.round(p50Ms),
    p95_ms: Math.round(p95Ms),
  };
}

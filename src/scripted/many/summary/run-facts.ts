import type { SummaryRow } from "./run-summary.js";

export function runDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function money(usd: number | undefined): string {
  if (usd === undefined) return "?";
  return `$${usd === 0 || usd >= 0.01 ? usd.toFixed(2) : usd.toPrecision(2)}`;
}

export function passRate({ passed, runs }: SummaryRow): string {
  return runs === 0 ? "-" : `${Math.floor((100 * passed) / runs)} %`;
}

export const summaryColumns = ["passed", "rate", "tokens in", "out", "cost", "p50", "p95"] as const;

export function summaryCells(row: SummaryRow): string[] {
  const { passed, runs, inputTokens, outputTokens, costUsd, p50Ms, p95Ms } = row;
  const tokens = [inputTokens, outputTokens].map(String);
  return [`${passed}/${runs}`, passRate(row), ...tokens, money(costUsd), runDuration(p50Ms), runDuration(p95Ms)];
}

import { elapsedText } from "../../../core/text/durations.js";
import type { SummaryRow } from "./run-summary.js";

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
  return [`${passed}/${runs}`, passRate(row), ...tokens, money(costUsd), elapsedText(p50Ms), elapsedText(p95Ms)];
}

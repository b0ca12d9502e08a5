import { elapsedText } from "../../core/text/durations.js";
import { toVisibleJson } from "../../core/text/inert.js";
import { bytesPerToken } from "../../core/token-usage.js";
import { type ModelCounts, type ToolCounts, usageTokens } from "../../core/usage-store.js";
import type { UsageReport } from "../conversations/usage-report.js";
import { dayOf } from "../conversations/usage-report.js";

const barWidth = 24;
const eighths = " ▏▎▍▌▋▊▉";

/**
 * Formats the report with one line for each key. Each line ends with a bar. The bar shows the cost or, if no price is known, the tokens. In
 * a report about tools, the bar shows the number of calls.
 */
export function usageText(report: UsageReport): string {
  const { by, period, lines } = report;
  const days = `${dayOf(period.since)} to ${dayOf(period.until - 1)}`;
  if (lines.length === 0) return `nothing was used from ${days}`;
  const table =
    report.of === "models"
      ? rowsOf(report, modelHeads, modelCells, report.total.usd > 0 ? ({ usd }) => usd : usageTokens)
      : rowsOf(report, toolHeads, toolCells, ({ calls }) => calls);
  return `${days}\n${aligned([[by, ...table.heads, ""], ...table.rows, ["total", ...table.total, ""]])}`;
}

/**
 * Formats the report as a JSON object, with amounts as numbers. `rest` is the sum of the lines that the report left out because of its
 * limit.
 */
export function usageJson({ by, period, ...report }: UsageReport): string {
  const times = { since: new Date(period.since).toISOString(), until: new Date(period.until).toISOString() };
  const lines = report.lines.map((line) => ({ key: line.key, title: line.title, ...wireOf(line) }));
  const rest = report.rest && { lines: report.rest.lines, ...wireOf(report.rest) };
  return toVisibleJson({ by, ...times, lines, rest, total: wireOf(report.total) }, 2);
}

/** Formats the report as CSV (RFC 4180) with a header line. */
export function usageCsv({ by, lines, total }: UsageReport): string {
  const heads = [by, ...Object.keys(wireOf(total))];
  const rows = lines.map((line) => [line.key, ...Object.values(wireOf(line))]);
  return [heads, ...rows].map((row) => row.map((cell) => csvCell(String(cell))).join(",")).join("\r\n");
}

const modelHeads = ["requests", "input", "cached", "written", "output", "reasoning", "cost"];
const toolHeads = ["calls", "errors", "time", "a call", "result tokens"];

function modelCells(totals: ModelCounts): string[] {
  const { requests, inputTokens, cachedTokens, cacheWriteTokens, outputTokens, reasoningTokens, estimatedTokens } =
    totals;
  const estimate = estimatedTokens > 0 ? ` (+ about ${count(estimatedTokens)})` : "";
  return [
    count(requests),
    `${count(inputTokens)}${estimate}`,
    count(cachedTokens),
    count(cacheWriteTokens),
    count(outputTokens),
    count(reasoningTokens),
    costOf(totals),
  ];
}

function costOf({ usd, unpriced, requests }: ModelCounts): string {
  if (unpriced === requests) return "unknown";
  return `$${usd.toFixed(4)}${unpriced > 0 ? ` + ${count(unpriced)} unknown` : ""}`;
}

function toolCells({ calls, errors, durationMs, resultBytes }: ToolCounts): string[] {
  const each = calls === 0 ? 0 : durationMs / calls;
  return [
    count(calls),
    count(errors),
    elapsedText(durationMs),
    elapsedText(each),
    `about ${count(resultBytes / bytesPerToken)}`,
  ];
}

function rowsOf<Totals>(
  { lines, total }: { lines: readonly (Totals & { key: string })[]; total: Totals },
  heads: readonly string[],
  cells: (totals: Totals) => string[],
  amountOf: (totals: Totals) => number,
) {
  const most = greatest(lines.map(amountOf));
  const rows = lines.map((line) => [line.key, ...cells(line), bar(most > 0 ? amountOf(line) / most : 0)]);
  return { heads, rows, total: cells(total) };
}

/** Returns a bar of characters. `share` is between 0 and 1. */
function bar(share: number): string {
  const filled = Math.round(share * barWidth * eighths.length);
  const rest = eighths[filled % eighths.length] ?? "";
  return `${"█".repeat(Math.floor(filled / eighths.length))}${rest}`.trimEnd();
}

/** Aligns rows in columns. The first column is aligned left and numbers are aligned right. The last column (the bar) is not padded. */
function aligned(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => greatest(rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const last = widths.length - 1;
  const cell = (text: string, column: number) => {
    if (column === last) return text;
    return column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  };
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}

/**
 * Returns the greatest value, or 0 if there are no values. From about 120,000 values on, `Math.max(...values)` would overflow the stack.
 */
function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function wireOf(totals: ModelCounts | ToolCounts): Record<string, number> {
  if ("calls" in totals) {
    const { calls, errors, durationMs, resultBytes } = totals;
    return { calls, errors, duration_ms: durationMs, result_bytes: resultBytes };
  }
  return {
    requests: totals.requests,
    input_tokens: totals.inputTokens,
    output_tokens: totals.outputTokens,
    reasoning_tokens: totals.reasoningTokens,
    cached_tokens: totals.cachedTokens,
    cache_write_tokens: totals.cacheWriteTokens,
    estimated_tokens: totals.estimatedTokens,
    usd: totals.usd,
    unpriced_requests: totals.unpriced,
  };
}

/** Formats a cell of CSV. Prevents a spreadsheet from reading the name of a server or provider as a formula. */
function csvCell(text: string): string {
  const inert = /^[=+@-]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

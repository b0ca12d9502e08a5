/** Reports of usage and cost over all conversations in the log. */
import type { ModelUsage, Period, ToolUsage } from "../../core/chat-store.js";

const modelKeys = ["day", "model", "conversation"] as const;
const toolKeys = ["tool", "server"] as const;
export const usageKeys = [...modelKeys, ...toolKeys] as const;
export type UsageKey = (typeof usageKeys)[number];

export type ModelTotals = Omit<ModelUsage, "at" | "conversationId" | "provider" | "model">;
export type ToolTotals = Omit<ToolUsage, "at" | "conversationId" | "name">;

interface ReportTable<Key, Totals> {
  by: Key;
  period: Period;
  /** The lines of the report. Days are in order of time. Other keys are in order of use, the most used first. */
  lines: (Totals & { key: string })[];
  /** Sum of the lines that exceed the limit and are left out. `rest.lines` is their number. Null if no line is left out. */
  rest: (Totals & { lines: number }) | null;
  total: Totals;
}

export type UsageReport =
  | ({ of: "models" } & ReportTable<(typeof modelKeys)[number], ModelTotals>)
  | ({ of: "tools" } & ReportTable<(typeof toolKeys)[number], ToolTotals>);

interface Used {
  models: readonly ModelUsage[];
  tools: readonly ToolUsage[];
}

/**
 * Builds the report. Days are days of the local calendar. Keeps only the first `limit` lines; in a report by day, the latest `limit` days.
 */
export function usageReport(
  { models, tools }: Used,
  by: UsageKey,
  period: Period,
  limit = Number.POSITIVE_INFINITY,
): UsageReport {
  if (by === "tool" || by === "server") {
    const keyOf = ({ name }: ToolUsage) => (by === "tool" ? name : serverOf(name));
    const lines = summed(tools, keyOf, noCalls).sort((one, other) => other.calls - one.calls);
    return { of: "tools", by, period, ...parted(lines, limit, noCalls) };
  }
  const days = new Map<number, string>();
  const knownDay = (at: number) => {
    const day = days.get(at) ?? dayOf(at);
    days.set(at, day);
    return day;
  };
  const keyOf = {
    day: ({ at }: ModelUsage) => knownDay(at),
    model: ({ provider, model }: ModelUsage) => `${provider}/${model}`,
    conversation: ({ conversationId }: ModelUsage) => conversationId,
  }[by];
  const lines = summed(models, keyOf, nothing);
  if (by === "day") lines.sort((one, other) => compare(other.key, one.key));
  else lines.sort((one, other) => other.usd - one.usd || usageTokens(other) - usageTokens(one));
  const parts = parted(lines, limit, nothing);
  if (by === "day") parts.lines.reverse();
  return { of: "models", by, period, ...parts };
}

export function usageTokens({ inputTokens, outputTokens, estimatedTokens }: ModelTotals): number {
  return inputTokens + outputTokens + estimatedTokens;
}

/** Formats a time as a day of the local calendar, such as `2026-11-25`. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const nothing: ModelTotals = {
  requests: 0,
  inputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  estimatedTokens: 0,
  usd: 0,
  unpriced: 0,
};

const noCalls: ToolTotals = { calls: 0, errors: 0, durationMs: 0, resultBytes: 0 };

/** Returns the name of the server, which is the first part of a tool's name. Returns `(host)` for a tool of the host itself. */
function serverOf(name: string): string {
  const end = name.indexOf("__");
  return end > 0 ? name.slice(0, end) : "(host)";
}

/**
 * Groups the rows by key and adds up each group. Reads the rows only once, because there may be very many: a large log may have one row for
 * each conversation.
 */
function summed<Row extends Totals, Totals extends object>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  none: Totals,
): (Totals & { key: string })[] {
  const groups = new Map<string, Totals & { key: string }>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key) ?? { key, ...none };
    groups.set(key, group);
    add(group, row, none);
  }
  return [...groups.values()];
}

function parted<Totals extends object>(all: (Totals & { key: string })[], limit: number, none: Totals) {
  const lines = all.slice(0, limit);
  const left = all.slice(limit);
  const leftOut = total(left, none);
  const rest = left.length > 0 ? { lines: left.length, ...leftOut } : null;
  return { lines, rest, total: total([...lines, leftOut], none) };
}

function total<Totals extends object>(rows: readonly Totals[], none: Totals): Totals {
  const sum = { ...none };
  for (const row of rows) add(sum, row, none);
  return sum;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function add<Totals extends object>(sum: Totals, row: Totals, none: Totals): void {
  for (const field in none) sum[field] = (Number(sum[field]) + Number(row[field])) as Totals[typeof field];
}

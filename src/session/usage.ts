/** What was used and what it cost, over all conversations of the log. */
import type { ModelUsage, Period, ToolUsage } from "../core/store-ports.js";

const modelKeys = ["day", "model", "conversation"] as const;
const toolKeys = ["tool", "server"] as const;
export const usageKeys = [...modelKeys, ...toolKeys] as const;
export type UsageKey = (typeof usageKeys)[number];

export type ModelTotals = Omit<ModelUsage, "at" | "conversationId" | "provider" | "model">;
export type ToolTotals = Omit<ToolUsage, "at" | "conversationId" | "name">;

interface Table<Key, Totals> {
  by: Key;
  period: Period;
  /** Days in their order, all else from the most to the least. */
  lines: (Totals & { key: string })[];
  total: Totals;
}

export type UsageReport =
  | ({ of: "models" } & Table<(typeof modelKeys)[number], ModelTotals>)
  | ({ of: "tools" } & Table<(typeof toolKeys)[number], ToolTotals>);

interface Used {
  models: readonly ModelUsage[];
  tools: readonly ToolUsage[];
}

/** Days are those of the local calendar. */
export function usageReport({ models, tools }: Used, by: UsageKey, period: Period): UsageReport {
  if (by === "tool" || by === "server") {
    const keyOf = ({ name }: ToolUsage) => (by === "tool" ? name : serverOf(name));
    const lines = summed(tools, keyOf, noCalls).sort((one, other) => other.calls - one.calls);
    return { of: "tools", by, period, lines, total: total(tools, noCalls) };
  }
  const keyOf = {
    day: ({ at }: ModelUsage) => dayOf(at),
    model: ({ provider, model }: ModelUsage) => `${provider}/${model}`,
    conversation: ({ conversationId }: ModelUsage) => conversationId,
  }[by];
  const lines = summed(models, keyOf, nothing);
  if (by === "day") lines.sort((one, other) => one.key.localeCompare(other.key));
  else lines.sort((one, other) => other.usd - one.usd || tokensOf(other) - tokensOf(one));
  return { of: "models", by, period, lines, total: total(models, nothing) };
}

export function tokensOf({ inputTokens, outputTokens, estimatedTokens }: ModelTotals): number {
  return inputTokens + outputTokens + estimatedTokens;
}

/** `2026-11-25`, of the local calendar. */
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
  estimatedTokens: 0,
  usd: 0,
  unpriced: 0,
};

const noCalls: ToolTotals = { calls: 0, errors: 0, durationMs: 0, resultBytes: 0 };

/** The host's own tools have no server in their name. */
function serverOf(name: string): string {
  const end = name.indexOf("__");
  return end > 0 ? name.slice(0, end) : "(host)";
}

function summed<Row extends Totals, Totals extends object>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  none: Totals,
): (Totals & { key: string })[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return [...groups].map(([key, group]) => ({ key, ...total(group, none) }));
}

function total<Totals extends object>(rows: readonly Totals[], none: Totals): Totals {
  const fields = Object.keys(none) as (keyof Totals)[];
  const sums = fields.map((field) => [field, rows.reduce((sum, row) => sum + Number(row[field]), 0)]);
  return Object.fromEntries(sums) as Totals;
}

/** Reports of usage and cost over all conversations in the log. */
import {
  type ModelCounts,
  type ModelUsage,
  type Period,
  type ToolCounts,
  type ToolUsage,
  type UsageCounters,
  usageTokens,
} from "../../core/usage-store.js";
import { quarterMs } from "../../log/shared/spent.js";
import type { Conversations } from "./conversations.js";

const modelKeys = ["day", "model", "conversation"] as const;
const toolKeys = ["tool", "server"] as const;
export const usageKeys = [...modelKeys, ...toolKeys] as const;
export type UsageKey = (typeof usageKeys)[number];

interface UsageLineKey {
  key: string;
  /** Title of the conversation, in a report by conversation to which `withTitles` has added it. */
  title?: string;
}

interface ReportTable<Key, Totals> {
  by: Key;
  period: Period;
  /** The lines of the report. Days are in order of time. Other keys are in order of use, the most used first. */
  lines: (Totals & UsageLineKey)[];
  /** Sum of the lines that exceed the limit and are left out. `rest.lines` is their number. Null if no line is left out. */
  rest: (Totals & { lines: number }) | null;
  total: Totals;
}

export type UsageReport =
  | ({ of: "models" } & ReportTable<(typeof modelKeys)[number], ModelCounts>)
  | ({ of: "tools" } & ReportTable<(typeof toolKeys)[number], ToolCounts>);

/**
 * Builds the report. Days are days of the local calendar. The period is extended to whole quarters of an hour, because usage is counted by
 * them. Keeps only the first `limit` lines; in a report by day, the latest `limit` days. Rejects with StoreError.
 */
export async function usageReport(
  usage: UsageCounters,
  by: UsageKey,
  { since, until }: Period,
  limit = Number.POSITIVE_INFINITY,
): Promise<UsageReport> {
  const period = { since: quarterBefore(since), until: quarterBefore(until + quarterMs - 1) };
  if (by === "tool" || by === "server") {
    const keyOf = ({ name }: ToolUsage) => (by === "tool" ? name : serverOf(name));
    const lines = summed(await usage.tools([period]), keyOf, noCalls).sort((one, other) => other.calls - one.calls);
    return { of: "tools", by, period, ...parted(lines, limit, noCalls) };
  }
  if (by === "conversation") return { of: "models", by, period, ...(await dearest(usage, period, limit)) };
  if (by === "model") {
    const keyOf = ({ provider, model }: ModelUsage) => `${provider}/${model}`;
    const lines = summed(await usage.models([period]), keyOf, nothing);
    lines.sort((one, other) => other.usd - one.usd || usageTokens(other) - usageTokens(one));
    return { of: "models", by, period, ...parted(lines, limit, nothing) };
  }
  const first = Math.max(period.since, (await usage.first()) ?? period.until);
  const days = await usage.models(daysOf({ since: quarterBefore(first), until: period.until }));
  const lines = summed(days, ({ at }) => dayOf(at), nothing).sort((one, other) => compare(other.key, one.key));
  const parts = parted(lines, limit, nothing);
  parts.lines.reverse();
  return { of: "models", by, period, ...parts };
}

/** Adds the titles of the conversations to the lines of a report by conversation. Any other report stays as it is. */
export async function withTitles(
  report: UsageReport,
  conversations: Pick<Conversations, "entries">,
): Promise<UsageReport> {
  if (report.by !== "conversation") return report;
  const entries = await conversations.entries(report.lines.map(({ key }) => key));
  const titles = new Map(entries.map(({ conversationId, title }) => [conversationId, title]));
  return { ...report, lines: report.lines.map((line) => ({ ...line, title: titles.get(line.key) ?? "" })) };
}

/** Returns the parts of the report by conversation. The log adds up conversations, because there may be very many. */
async function dearest(usage: UsageCounters, period: Period, limit: number) {
  const { conversations, all } = await usage.conversations(period, Math.min(limit, Number.MAX_SAFE_INTEGER));
  const lines = conversations.map(({ conversationId, ...counts }) => ({ key: conversationId, ...counts }));
  const sum = total(await usage.models([period]), nothing);
  const shown = total(lines, nothing);
  const rest = { ...nothing };
  for (const field in rest) {
    const name = field as keyof ModelCounts;
    rest[name] = Math.max(0, sum[name] - shown[name]);
  }
  return { lines, rest: all > lines.length ? { lines: all - lines.length, ...rest } : null, total: sum };
}

/** Returns the days of the local calendar in the period. */
function daysOf({ since, until }: Period): Period[] {
  const days: Period[] = [];
  for (let from = since; from < until; ) {
    const date = new Date(from);
    const midnight = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
    const to = Math.min(until, Math.max(from + quarterMs, quarterBefore(midnight)));
    days.push({ since: from, until: to });
    from = to;
  }
  return days;
}

function quarterBefore(at: number): number {
  return Math.floor(at / quarterMs) * quarterMs;
}

/** Formats a time as a day of the local calendar, such as `2026-11-25`. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const nothing: ModelCounts = {
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

const noCalls: ToolCounts = { calls: 0, errors: 0, durationMs: 0, resultBytes: 0 };

/** Returns the name of the server, which is the first part of a tool's name. Returns `(host)` for a tool of the host itself. */
function serverOf(name: string): string {
  const end = name.indexOf("__");
  return end > 0 ? name.slice(0, end) : "(host)";
}

/** Groups the rows by key and adds up each group. */
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

/**
 * The counters of usage, as both databases have them. They are written in the same transaction as the event that ends a turn, so that a report
 * reads a few rows instead of the events.
 *
 * - `usage_models` and `usage_tools` have what a conversation used in a quarter of an hour, for each model or tool. They are what a deleted
 *   conversation takes back.
 * - `usage_model_totals` and `usage_tool_totals` are their sums over all conversations, for each quarter, hour and day.
 * - `conversations.counted` is the `seq` up to which the events of a conversation are counted. Later events belong to unfinished turns, and
 *   reports read them from the log.
 * - `conversations.family` is the id of the conversation from which a copy was made, directly or through other copies. The oldest
 *   conversation of a family that has an event counts it.
 */
import { quarterMs } from "../shared/spent.js";

/** One of the two things that are counted: requests to models, or calls of tools. */
export interface UsageKind {
  /** Table of what each conversation used. */
  rows: string;
  /** Table of the sums over all conversations. */
  totals: string;
  /** PostgreSQL only: table of the changes that are not yet in `totals`. */
  changes: string;
  /** Columns that name the model or the tool. */
  keys: readonly string[];
  /** The counters. The first is the number of answers or calls. It is 0 only if all counters are. */
  counts: readonly [string, ...string[]];
}

export const modelKind: UsageKind = {
  rows: "usage_models",
  totals: "usage_model_totals",
  changes: "usage_model_changes",
  keys: ["provider", "model"],
  counts: [
    "requests",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "estimated_tokens",
    "usd",
    "unpriced",
  ],
};

export const toolKind: UsageKind = {
  rows: "usage_tools",
  totals: "usage_tool_totals",
  changes: "usage_tool_changes",
  keys: ["name"],
  counts: ["calls", "errors", "duration_ms", "result_bytes"],
};

export const usageKinds = [modelKind, toolKind];

export const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;

/**
 * Lengths of the periods for which there are totals, in ms, the longest first. With the hours, the days of most time zones take a quarter of the
 * rows. With the days, which are those of UTC, a report of 700 days by model takes a twentieth of the time.
 */
export const usageSpans = [dayMs, hourMs, quarterMs];

/** Returns the definitions of columns of this type. */
export const columnsOf = (names: readonly string[], type: string) =>
  names.map((name) => `${name} ${type} NOT NULL`).join(", ");

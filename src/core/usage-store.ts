/** Port to what turns have spent and used: totals for limits, counters for reports. */
import type { Spent } from "./messages.js";

/** Totals of several requests. They count against limits. */
export interface SpentTotals {
  tokens: number;
  /** Cost of the requests whose price is known, in US dollars. */
  usd: number;
  /** Number of requests whose price is unknown. */
  unpriced: number;
  /** Number of requests whose token counts are estimated. */
  estimated: number;
}

export const nothingSpent: Readonly<SpentTotals> = { tokens: 0, usd: 0, unpriced: 0, estimated: 0 };

/** Adds one request to the totals. */
export function addSpent(totals: SpentTotals, { tokens, usd, estimated }: Spent): void {
  addTotals(totals, { tokens, usd: usd ?? 0, unpriced: usd === undefined ? 1 : 0, estimated: estimated ? 1 : 0 });
}

export function addTotals(totals: SpentTotals, other: SpentTotals): void {
  totals.tokens += other.tokens;
  totals.usd += other.usd;
  totals.unpriced += other.unpriced;
  totals.estimated += other.estimated;
}

/** A period from `since` (included) to `until` (excluded), in milliseconds since the epoch. */
export interface Period {
  since: number;
  until: number;
}

export interface ModelCounts {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  cachedTokens: number;
  cacheWriteTokens: number;
  /** Input and output tokens of the requests whose usage the provider did not report. */
  estimatedTokens: number;
  /** Cost of the requests whose price was known, in US dollars. */
  usd: number;
  unpriced: number;
}

export function usageTokens({ inputTokens, outputTokens, estimatedTokens }: ModelCounts): number {
  return inputTokens + outputTokens + estimatedTokens;
}

/** Usage of tools. Only calls that were sent count. */
export interface ToolCounts {
  calls: number;
  errors: number;
  /** Total time of the calls, each from its sending to its result. */
  durationMs: number;
  /** Total size of the contents of the results, as JSON. */
  resultBytes: number;
}

export interface ModelUsage extends ModelCounts {
  /** Start of the period. */
  at: number;
  provider: string;
  model: string;
}

export interface ToolUsage extends ToolCounts {
  /** Start of the period. */
  at: number;
  /** The tool's name for the model: `server__tool`. */
  name: string;
}

export interface ConversationUsage extends ModelCounts {
  conversationId: string;
}

/**
 * Counters of usage. When a conversation is deleted, its usage is no longer counted. Each event counts only once, even if a copied conversation has it
 * in common with its origin. Periods begin and end with a quarter of an hour, see `quarterMs`: every time zone differs from UTC by a
 * multiple of 15 minutes, so midnight is always the start of a quarter. The cost of a method grows with its periods, not with the log. Every
 * method throws StoreError.
 */
export interface UsageCounters {
  /** Returns the usage of each model in each of these periods. They must not overlap. */
  models(periods: readonly Period[]): Promise<ModelUsage[]>;
  tools(periods: readonly Period[]): Promise<ToolUsage[]>;
  /** Returns the usage of the `most` dearest conversations, and the number of all conversations with usage. */
  conversations(period: Period, most: number): Promise<{ conversations: ConversationUsage[]; all: number }>;
  /** Returns a time before which no model was used. Undefined if none was ever used. */
  first(): Promise<number | undefined>;
}

import type { ChatEvent } from "../core/chat.js";
import type { SpentTotals } from "../core/store-ports.js";

/** Granularity of usage: long enough for few rows, short enough for the days of every time zone. */
export const quarterMs = 15 * 60 * 1000;

/** Returns what the answers and summaries among these events count against limits. */
export function spentIn(events: readonly ChatEvent[]): SpentTotals {
  const totals: SpentTotals = { tokens: 0, usd: 0, unpriced: 0, estimated: 0 };
  for (const event of events) {
    if ((event.type !== "assistant_message" && event.type !== "compaction") || !event.spent) continue;
    totals.tokens += event.spent.tokens;
    totals.usd += event.spent.usd ?? 0;
    totals.unpriced += event.spent.usd === undefined ? 1 : 0;
    totals.estimated += event.spent.estimated ? 1 : 0;
  }
  return totals;
}

/** Counts the calls that were sent, whether or not they succeeded. */
export function callsIn(events: readonly ChatEvent[]): number {
  return events.filter(({ type }) => type === "tool_sent").length;
}

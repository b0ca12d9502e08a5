import { isBilled } from "../../core/event-facts.js";
import type { ChatEvent } from "../../core/events.js";
import { addSpent, nothingSpent, type SpentTotals } from "../../core/usage-store.js";

/**
 * Length of the periods in which usage is counted, in ms. Usage then takes few rows, and in every time zone a day begins at the start of a
 * period.
 */
export const quarterMs = 15 * 60 * 1000;

/**
 * Returns the tokens and costs of the answers and summaries among these events, added to those of earlier events. Limits are compared with
 * these sums.
 */
export function spentIn(events: readonly ChatEvent[], earlier = nothingSpent): SpentTotals {
  const totals = { ...earlier };
  for (const event of events) {
    if (isBilled(event) && event.spent) addSpent(totals, event.spent);
  }
  return totals;
}

/** Counts the tool calls that were sent, both successful and failed ones. */
export function callsIn(events: readonly ChatEvent[]): number {
  return events.filter(({ type }) => type === "tool_sent").length;
}

import { createHash } from "node:crypto";

/**
 * The W3C `traceparent` of one tool call: a trace for each turn, a span for each call. The same call has the same one after a restart.
 * The trace of a turn is the hexadecimal part of its id, so that each can be found by the other. Marked as sampled, since tracers
 * of servers mostly leave out what is not. https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceparentOf(turnId: string, callId: string): string {
  const [traceId = hexOf(turnId, 32)] = turnId.match(/(?!0+$)[0-9a-f]{32}$/) ?? [];
  return `00-${traceId}-${hexOf(callId, 16)}-01`;
}

function hexOf(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

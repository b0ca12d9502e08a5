/** Cuts a list of messages to a number of tokens. Knows no events: what an event of the log can leave out is planned in `compaction.ts`. */
import type { Message } from "../../core/messages.js";
import { messageTokensOf, tokensOf } from "./estimate.js";

/**
 * Returns the messages that fit into `maxTokens`. Cuts what a `trim` event cannot: the history that a caller sent with its request. (A turn that
 * is too long by itself: see `cutResults`.) If not all fit, whole turns are dropped, oldest first, so that no result loses its call. The amount to drop is
 * rounded up to a multiple of about half of what the system messages leave of `maxTokens`. Several later requests then begin with the same messages,
 * so that providers can cache them. The last turn and the system messages at the beginning are always kept.
 */
export function cutToFit(messages: readonly Message[], maxTokens: number): Message[] {
  const firstTurn = messages.findIndex(({ role }) => role !== "system");
  const head = firstTurn < 0 ? messages : messages.slice(0, firstTurn);
  const body = messages.slice(head.length);
  const room = Math.max(1, maxTokens - tokensOf(head));
  const excess = tokensOf(body) - room;
  if (excess <= 0) return [...messages];
  const step = stepIn(room);
  const leftOut = Math.ceil(excess / step) * step;
  let start = 0;
  let before = 0;
  for (const [index, message] of body.entries()) {
    if (message.role === "user") {
      start = index;
      if (before >= leftOut) break;
    }
    before += messageTokensOf(message);
  }
  return [...head, ...body.slice(start)];
}

/**
 * Returns about half of `room`: between 42 % and 50 % of it. The value is rounded to steps, because `room` differs a little from turn to
 * turn, and the result should stay the same.
 */
function stepIn(room: number): number {
  return 2 ** (Math.floor(4 * Math.log2(room / 2)) / 4);
}

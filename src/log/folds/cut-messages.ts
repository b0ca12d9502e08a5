/** Cuts a list of messages to a number of tokens. Knows no events: what an event of the log can leave out is planned in `compaction.ts`. */
import { type Message, type ToolMessage, textOf } from "../../core/messages.js";
import { endsOf } from "../../core/text/excerpt.js";
import { bytesPerToken } from "../../core/token-usage.js";
import { messageTokensOf, tokensOf } from "./estimate.js";

/** The least size to which a result is shortened, in tokens, with the note. */
const leastTokens = 100;

/** The bytes that `endsOf` adds for its mark between both ends, and for rounding. */
const markBytes = 8;

const note = "[The host has left out parts of this result, because the model's window is full.]";

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

/**
 * Shortens tool results, the oldest first, so that the messages fit into `maxTokens` if possible. A turn that fills the window by itself
 * needs this, because it can be neither summarised nor left out. More is left out than needed, up to a quarter of `maxTokens`, so that
 * several requests begin alike and providers can cache them.
 */
export function cutResults(messages: readonly Message[], maxTokens: number): Message[] {
  const excess = tokensOf(messages) - maxTokens;
  if (excess <= 0) return [...messages];
  const step = Math.max(1, maxTokens / 4);
  let toSave = Math.ceil(excess / step) * step;
  return messages.map((message) => {
    if (message.role !== "tool" || toSave <= 0) return message;
    const tokens = messageTokensOf(message);
    const shorter = shortened(message, Math.max(leastTokens, tokens - toSave));
    const saved = tokens - messageTokensOf(shorter);
    if (saved <= 0) return message;
    toSave -= saved;
    return shorter;
  });
}

/**
 * Returns the result with the beginning and the end of its text, and the note, in at most `keptTokens` tokens if the note fits into them. Pictures
 * and other parts that are no text are left out.
 */
function shortened(result: ToolMessage, keptTokens: number): ToolMessage {
  const overheadTokens = messageTokensOf(withText(result, `\n${note}`));
  const room = Math.floor((keptTokens - overheadTokens) * bytesPerToken) - markBytes;
  const text = endsOf(textOf(result.content), Math.max(0, room));
  return withText(result, text === "" ? note : `${text}\n${note}`);
}

function withText(result: ToolMessage, text: string): ToolMessage {
  return { ...result, content: [{ type: "text", text }] };
}

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

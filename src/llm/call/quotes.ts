import type { CompletionRequest, Message } from "../../core/messages.js";
import { textOf } from "../../core/messages.js";

/**
 * Length from which a repeated text counts as a quotation, in characters. Shorter texts are common words, and count only between quotation
 * marks.
 */
const MIN_QUOTE = 16;
/** Length of the pieces to search for. Every quotation of the least length holds a whole piece that begins at a multiple of this length. */
const STEP = MIN_QUOTE / 2;
const MAX_SAID_LENGTH = 1000;

/** Returns all texts of the conversation, none of which may appear in an error. */
export function textsIn({ messages }: CompletionRequest): string[] {
  return messages.flatMap(textsOf).filter((text) => text.trim() !== "");
}

function textsOf(message: Message): string[] {
  switch (message.role) {
    case "system":
      return [message.content];
    case "assistant":
      return [message.content, message.reasoning ?? "", ...message.toolCalls.map((call) => call.arguments)];
    default:
      return [textOf(message.content)];
  }
}

/** Replaces parts that quote the request by `…`: providers often repeat it. */
export function withoutQuotes(said: string, texts: readonly string[]): string {
  const message = said.slice(0, MAX_SAID_LENGTH);
  const written = texts.join("\n");
  // A provider that quotes the whole body quotes it in JSON's spelling.
  const source = message.includes("\\") ? `${written}\n${JSON.stringify(written).slice(1, -1)}` : written;
  let kept = "";
  let start = 0;
  for (const { from, to } of quotedParts(message, source)) {
    kept += `${message.slice(start, from)}…`;
    start = to;
  }
  kept += message.slice(start);
  const words = texts.filter((text) => text.length < MIN_QUOTE).map((text) => text.trim());
  return words.reduce(
    (rest, word) => ["'", '"', "`"].reduce((all, mark) => all.replaceAll(mark + word + mark, `${mark}…${mark}`), rest),
    kept,
  );
}

/**
 * Finds the parts of the message that are quotations, in order and without overlap. Parts of the least length are searched for one by one,
 * because a longer quotation may begin as plain text and end as JSON.
 */
function quotedParts(message: string, source: string): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = [];
  for (let place = 0; place + STEP <= message.length; place += STEP) {
    const pieceEnd = place + STEP;
    if (!source.includes(message.slice(place, pieceEnd))) continue;
    // A quotation that begins earlier was already found with the piece before.
    const least = Math.max(0, place - STEP + 1);
    let from = place;
    while (from > least && source.includes(message.slice(from - 1, pieceEnd))) from--;
    for (; from <= place && from + MIN_QUOTE <= message.length; from++) {
      const to = from + MIN_QUOTE;
      if (!source.includes(message.slice(from, to))) continue;
      const last = parts.at(-1);
      if (last && from <= last.to) last.to = to;
      else parts.push({ from, to });
    }
  }
  return parts;
}

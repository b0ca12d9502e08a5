import type { CompletionRequest, Message } from "../../core/chat.js";
import { textOf } from "../../core/chat.js";

/** Characters. Shorter ones are words that anybody may use, and count as a quotation only between quotation marks. */
const MIN_QUOTE = 16;
/** Any quotation of the least length holds one whole piece of this length that begins at a multiple of it. */
const STEP = MIN_QUOTE / 2;
const MAX_SAID_LENGTH = 1000;

/** What the conversation says: none of it may get into an error. */
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

/** Providers like to quote the request that they refuse. What is left is their own words. */
export function withoutQuotes(said: string, texts: readonly string[]): string {
  const message = said.slice(0, MAX_SAID_LENGTH);
  const written = texts.join("\n");
  // Whoever quotes the whole body quotes it as JSON.
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
 * Where something of the source stands in the message, in order and apart from each other. Every part that is long enough is looked for by
 * itself: a longer one may begin in the source and end in it as JSON.
 */
function quotedParts(message: string, source: string): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = [];
  for (let place = 0; place + STEP <= message.length; place += STEP) {
    const pieceEnd = place + STEP;
    if (!source.includes(message.slice(place, pieceEnd))) continue;
    // What begins a whole piece before was found by that one.
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

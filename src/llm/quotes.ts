import type { CompletionRequest, Message } from "../core/chat.js";
import { textOf } from "../core/chat.js";

/** Characters. Shorter ones are words that anybody may use, and count as a quotation only between quotation marks. */
const MIN_QUOTE = 16;
/** Any quotation holds one whole piece of this length that begins at a multiple of it. */
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
  for (let place = 0; place + STEP <= message.length; place = Math.max(place + STEP, start)) {
    if (!source.includes(message.slice(place, place + STEP))) continue;
    const [from, to] = runAround(message, source, { from: place, to: place + STEP }, start);
    if (to - from < MIN_QUOTE) continue;
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

/** The longest part of the message around that piece that stands in the source; not before `least`. */
function runAround(
  message: string,
  source: string,
  piece: { from: number; to: number },
  least: number,
): [from: number, to: number] {
  let { from, to } = piece;
  while (to < message.length && source.includes(message.slice(from, to + 1))) to++;
  while (from > least && source.includes(message.slice(from - 1, to))) from--;
  return [from, to];
}

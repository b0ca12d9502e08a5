import type { CompletionRequest, Message } from "../../core/messages.js";
import { textOf } from "../../core/messages.js";

/**
 * Shortest text, in characters, that counts as a quotation wherever it is repeated. Shorter texts may be common words, so they count only
 * if they are between quotation marks.
 */
const minQuote = 16;
/**
 * A provider's error message is cut into pieces of this length, and each piece is searched for in the texts of the conversation. The length
 * is half of `minQuote`, so a quotation of `minQuote` characters contains at least one whole piece, wherever it begins.
 */
const step = minQuote / 2;
const maxSaidLength = 1000;

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

/** Replaces quotations of the request in a provider's message by `…`. Providers often quote the request. */
export function withoutQuotes(said: string, texts: readonly string[]): string {
  const message = said.slice(0, maxSaidLength);
  const written = texts.join("\n");
  // A provider that quotes the whole request body quotes it as JSON, with escaped texts, so the escaped texts are searched for too.
  const source = message.includes("\\") ? `${written}\n${JSON.stringify(written).slice(1, -1)}` : written;
  let kept = "";
  let start = 0;
  for (const { from, to } of quotedParts(message, source)) {
    kept += `${message.slice(start, from)}…`;
    start = to;
  }
  kept += message.slice(start);
  const words = texts.filter((text) => text.length < minQuote).map((text) => text.trim());
  return words.reduce(
    (rest, word) => ["'", '"', "`"].reduce((all, mark) => all.replaceAll(mark + word + mark, `${mark}…${mark}`), rest),
    kept,
  );
}

/**
 * Finds the parts of the message that are quotations, in order and without overlap. Searches for texts of `minQuote` characters and joins
 * adjacent ones, because a longer quotation may begin as plain text and continue as JSON.
 */
function quotedParts(message: string, source: string): { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = [];
  for (let position = 0; position + step <= message.length; position += step) {
    const pieceEnd = position + step;
    if (!source.includes(message.slice(position, pieceEnd))) continue;
    // Quotations that begin even earlier were found when the previous piece was searched for.
    const least = Math.max(0, position - step + 1);
    let from = position;
    while (from > least && source.includes(message.slice(from - 1, pieceEnd))) from--;
    for (; from <= position && from + minQuote <= message.length; from++) {
      const to = from + minQuote;
      if (!source.includes(message.slice(from, to))) continue;
      const last = parts.at(-1);
      if (last && from <= last.to) last.to = to;
      else parts.push({ from, to });
    }
  }
  return parts;
}

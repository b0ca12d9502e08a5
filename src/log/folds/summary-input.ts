/** Writes the text that the model reads to write a summary. */
import { linkText, type Message } from "../../core/messages.js";
import { endsOf, tailOf } from "../../core/text/excerpt.js";
import type { CompactionPlan } from "./compaction.js";

const longestExcerptBytes = 4_000;
const shortestExcerptBytes = 125;

/**
 * Returns the previous summary and the messages of the plan as one text. The text of each message, and the arguments of each call, are cut to
 * 4,000 bytes; if the whole does not fit into `maxBytes`, to less, down to 125. If it still does not fit, its beginning is cut off. The previous
 * summary is never cut.
 */
export function transcript({ previous, messages }: CompactionPlan, maxBytes: number): string {
  const earlier = previous === undefined ? "" : `[Summary of what was before]\n${previous}\n\n`;
  const room = Math.max(0, maxBytes - Buffer.byteLength(earlier));
  for (let excerptBytes = longestExcerptBytes; ; excerptBytes /= 2) {
    const text = messages.map((message) => lineOf(message, excerptBytes)).join("\n");
    if (Buffer.byteLength(text) <= room) return earlier + text;
    if (excerptBytes / 2 < shortestExcerptBytes) return earlier + tailOf(text, room);
  }
}

function lineOf(message: Message, maxBytes: number): string {
  if (message.role === "system") return `system: ${endsOf(message.content, maxBytes)}`;
  if (message.role === "assistant") {
    const calls = message.toolCalls.map(
      ({ name, arguments: text }) => `assistant calls ${name} ${endsOf(text, maxBytes)}`,
    );
    return [...(message.content ? [`assistant: ${endsOf(message.content, maxBytes)}`] : []), ...calls].join("\n");
  }
  const parts = message.content.map((part) => {
    if (part.type === "text") return part.text;
    return part.type === "resource_link" ? linkText(part) : `[${part.type} ${part.mimeType}]`;
  });
  const speaker = message.role === "user" ? "user" : message.isError ? "tool error" : "tool result";
  return `${speaker}: ${endsOf(parts.join("\n"), maxBytes)}`;
}

import type { QuirksConfig } from "../../../core/config.js";
import { type ContentPart, linkText, type Message } from "../../../core/messages.js";

/** Returns the text if the content is a single text, as in most messages; otherwise undefined. */
export function onlyText(content: readonly ContentPart[]): string | undefined {
  const [first] = content;
  return content.length === 1 && first?.type === "text" ? first.text : undefined;
}

export function isTextual(part: ContentPart): boolean {
  return part.type === "text" || part.type === "resource_link";
}

/** Replaces pictures and sound that the model does not accept by a text that mentions them, so that the model knows that they exist. */
export function asTaken(message: Message, { images, audio }: Pick<QuirksConfig, "images" | "audio">): Message {
  if ((images && audio) || message.role === "system" || message.role === "assistant") return message;
  const isTaken = ({ type }: ContentPart) => (type !== "image" || images) && (type !== "audio" || audio);
  if (message.content.every(isTaken)) return message;
  const content = message.content.map((part): ContentPart => {
    return isTaken(part) || !("data" in part) ? part : { type: "text", text: mediaReference(part) };
  });
  return { ...message, content };
}

/**
 * Formats a system message that comes later in the conversation, for APIs that accept system texts only at the front. If it were moved to
 * the front, the beginning of every request would change, so caches and signed reasoning would become invalid.
 */
export function instructionText(content: string): string {
  return `<system>\n${content}\n</system>`;
}

export function mediaReference({ type, mimeType, data }: Extract<ContentPart, { data: string }>): string {
  const size = Math.ceil((data.length * 3) / 4);
  return `[${type} ${mimeType}, ${size} bytes: it is in the log, but you cannot take it]`;
}

export function asTextPart(part: ContentPart): ContentPart {
  return part.type === "resource_link" ? { type: "text", text: linkText(part) } : part;
}

import type { QuirksConfig } from "../../../core/config.js";
import { pictureType } from "../../../core/files/picture-type.js";
import { type ContentPart, type DataPart, isPictureAddress, linkText, type Message } from "../../../core/messages.js";

/** Returns the text if the content is a single text, as in most messages; otherwise undefined. */
export function onlyText(content: readonly ContentPart[]): string | undefined {
  const [first] = content;
  return content.length === 1 && first?.type === "text" ? first.text : undefined;
}

export function isText(part: ContentPart): boolean {
  return part.type === "text";
}

/** Types of pictures that the APIs of OpenAI and Anthropic accept. If a request has any other type, they refuse the whole request. */
const pictures: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

interface Taken extends Pick<QuirksConfig, "images" | "files"> {
  /** Absent if no model of the wire accepts sound. */
  audio?: boolean;
}

/**
 * Replaces pictures, sound and PDFs that the model does not accept by a text that mentions them, so that the model knows that they exist. Gives
 * pictures their proper type. Links become texts too, except addresses of pictures in a user's message: a `resource_link` of the result is
 * to be sent as a picture by its address.
 */
export function asTaken(message: Message, accepted: Taken): Message {
  if (message.role === "system" || message.role === "assistant" || message.content.every(isText)) return message;
  const addresses = accepted.images && message.role === "user";
  return { ...message, content: message.content.map((part) => takenPart(part, { ...accepted, addresses })) };
}

interface Accepted extends Taken {
  /** True if pictures may be sent by their addresses. */
  addresses: boolean;
}

function takenPart(part: ContentPart, { images, audio, files, addresses }: Accepted): ContentPart {
  switch (part.type) {
    case "text":
      return part;
    case "resource_link":
      return addresses && isPictureAddress(part) ? part : noteOn(part);
    case "audio":
      return audio ? part : noteOn(part);
    case "file":
      return files ? part : noteOn(part);
    case "image": {
      const mimeType = properMediaType(part);
      return images && pictures.has(mimeType) ? { ...part, mimeType } : noteOn(part);
    }
  }
}

/** Returns a PDF as OpenAI's APIs want it. They refuse a file without a name. */
export function inlineFile({ data, mimeType, name }: Extract<ContentPart, { type: "file" }>) {
  return { filename: name || "file.pdf", file_data: `data:${mimeType};base64,${data}` };
}

/** Returns the text that the model gets in place of a picture, sound, PDF or link. */
export function noteOn(part: Exclude<ContentPart, { type: "text" }>): Extract<ContentPart, { type: "text" }> {
  return { type: "text", text: part.type === "resource_link" ? linkText(part) : mediaReference(part) };
}

/**
 * Returns the type of a picture or of sound. The type of a picture is read from its first bytes, because providers refuse a picture whose
 * stated type is wrong. Common names such as `audio/x-wav` and `image/jpg` become the proper ones.
 */
export function properMediaType({ type, mimeType, data }: DataPart): string {
  const detected = type === "image" ? pictureType(Buffer.from(data.slice(0, 64), "base64")) : undefined;
  if (detected) return detected;
  const stated = mimeType.toLowerCase().replace(/;.*$/, "").trim().replace("/x-", "/");
  return stated === "image/jpg" ? "image/jpeg" : stated;
}

/**
 * Formats a system message that comes later in the conversation, for APIs that accept system texts only at the front. If it were moved to
 * the front, the beginning of every request would change, so caches and signed reasoning would become invalid.
 */
export function instructionText(content: string): string {
  return `<system>\n${content}\n</system>`;
}

function mediaReference({ type, mimeType, data }: DataPart): string {
  const size = Math.ceil((data.length * 3) / 4);
  return `[${type} ${mimeType}, ${size} bytes: it is in the log, but you cannot take it]`;
}

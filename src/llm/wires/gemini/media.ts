import type { JsonObject } from "../../../core/json.js";
import type { ContentPart } from "../../../core/messages.js";
import { noteOn, properMediaType } from "../shared/message-content.js";
import type { GeminiQuirks } from "./gemini-models.js";

/**
 * Types of media that Gemini accepts. If a request has any other type, Gemini refuses the whole request. Source: the pages
 * `image-understanding`, `audio` and `document-processing` of ai.google.dev/gemini-api/docs.
 */
const taken = /^(image\/(png|jpeg|webp|heic|heif)|audio\/(wav|mp3|mpeg|aiff|aac|ogg|flac)|application\/pdf)$/;

/**
 * Converts a part for Gemini. Media that Gemini does not accept become text. So do all links: Gemini's `fileUri`
 * needs an uploaded file, or the exact type of a picture.
 */
export function geminiPart(part: ContentPart, { images, audio, files }: GeminiQuirks): JsonObject {
  if (part.type === "text") return { text: part.text };
  if (part.type === "resource_link") return { text: noteOn(part).text };
  const mimeType = properMediaType(part);
  const isTaken = { image: images, audio, file: files }[part.type] && taken.test(mimeType);
  return isTaken ? { inlineData: { mimeType, data: part.data } } : { text: noteOn(part).text };
}

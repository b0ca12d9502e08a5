import { type ContentPart, linkText } from "../../../core/chat.js";
import type { JsonObject } from "../../json.js";
import { mediaReference } from "../shared/content.js";
import type { GeminiQuirks } from "./models.js";

/** ai.google.dev/gemini-api/docs `image-understanding` and `audio`. Other types are refused with the whole request. */
const TAKEN = /^(image\/(png|jpeg|webp|heic|heif)|audio\/(wav|mp3|mpeg|aiff|aac|ogg|flac))$/;

/** A part as Gemini has it. Links, and pictures and sound that it does not take, are a text. */
export function wirePart(part: ContentPart, { images, audio }: GeminiQuirks): JsonObject {
  if (part.type === "text") return { text: part.text };
  if (part.type === "resource_link") return { text: linkText(part) };
  const mimeType = mimeTypeOf(part.mimeType);
  const isTaken = (part.type === "image" ? images : audio) && TAKEN.test(mimeType);
  return isTaken ? { inlineData: { mimeType, data: part.data } } : { text: mediaReference(part) };
}

/** `audio/x-wav` and `image/jpg` are common names of types that have another one. */
function mimeTypeOf(given: string): string {
  const type = given.toLowerCase().replace(/;.*$/, "").trim().replace("/x-", "/");
  return type === "image/jpg" ? "image/jpeg" : type;
}

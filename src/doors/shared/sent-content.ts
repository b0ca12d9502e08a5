/** Content of a message as clients of the message protocol send it: texts, pictures, sound, links and files. */
import { RequestError } from "../../core/errors.js";
import { isPdf, pictureType } from "../../core/files/picture-type.js";
import type { ContentPart, MediaKind } from "../../core/messages.js";
import { sizeText, utf8Text } from "./attachments.js";
import { maxImageBytes, maxTextBytes, type SentPart } from "./sent-part.js";

interface AnsweringModel {
  provider: string;
  model: string;
  takes?: readonly MediaKind[];
}

/**
 * Reads the parts. A file becomes what the model takes of it: a picture, sound, a PDF, or text. Throws RequestError of the kind `usage` if there is no part,
 * or if the model does not take a part: the model would only read that there was one.
 */
export function readSentContent(parts: readonly SentPart[], model: AnsweringModel): ContentPart[] {
  if (parts.length === 0) throw refusal("a message has at least one part");
  return parts.flatMap((part) => {
    const read = readSentPart(part);
    for (const { type } of read) {
      if (type === "text" || type === "resource_link" || (model.takes?.includes(type) ?? true)) continue;
      throw refusal(`${model.provider}/${model.model} takes no ${namesOfMedia[type]}`, "choose another model");
    }
    return read;
  });
}

const namesOfMedia: Readonly<Record<MediaKind, string>> = { image: "pictures", audio: "sound", file: "PDFs" };

function readSentPart(part: SentPart): ContentPart[] {
  switch (part.type) {
    case "text":
      return [part];
    case "resource_link": {
      const { type, uri, name, mime_type: mimeType } = part;
      return [{ type, uri, ...(name && { name }), ...(mimeType && { mimeType }) }];
    }
    case "image":
      return [picture(bytesOf(part), "the picture")];
    case "audio":
      return [sound(part)];
    case "file":
      return readFile(part);
  }
}

function readFile(part: Extract<SentPart, { type: "file" }>): ContentPart[] {
  const { name, mime_type: mimeType } = part;
  const file = name || "the file";
  const heading = { type: "text" as const, text: `[file ${file}]` };
  const bytes = bytesOf(part);
  if (pictureType(bytes)) return [heading, picture(bytes, file)];
  if (mimeType.startsWith("audio/")) return [heading, sound(part)];
  if (isPdf(bytes)) {
    const data = bytes.toString("base64");
    return [heading, { type: "file", data, mimeType: "application/pdf", ...(name && { name }) }];
  }
  const text = utf8Text(bytes);
  if (text === undefined) {
    throw refusal(
      `${file} (${mimeType}) is neither text, sound, a PDF nor a picture (PNG, JPEG, GIF, WebP)`,
      "send its text, or let the model read it with a tool",
    );
  }
  requireAtMost(maxTextBytes, bytes, file);
  return [{ ...heading, text: `${heading.text}\n${text}` }];
}

/** Returns a PDF as the block that MCP and ACP have for files: an embedded resource. */
export function fileResource({ data: blob, mimeType, name = "file.pdf" }: Extract<ContentPart, { type: "file" }>) {
  return { type: "resource" as const, resource: { uri: `attachment:${encodeURIComponent(name)}`, blob, mimeType } };
}

function picture(bytes: Buffer, name: string): ContentPart {
  const mimeType = pictureType(bytes);
  if (!mimeType) throw refusal(`${name} is not a PNG, JPEG, GIF or WebP`);
  requireAtMost(maxImageBytes, bytes, name);
  return { type: "image", data: bytes.toString("base64"), mimeType };
}

function sound(part: { data: string; mime_type: string }): ContentPart {
  if (!part.mime_type.startsWith("audio/")) throw refusal("the mime_type of sound begins with audio/");
  return { type: "audio", data: bytesOf(part).toString("base64"), mimeType: part.mime_type };
}

function bytesOf({ data }: { data: string }): Buffer {
  const bytes = Buffer.from(data, "base64");
  if (data === "" || bytes.length < Math.floor((data.length * 3) / 4) - 2)
    throw refusal("the data of a part is base64");
  return bytes;
}

function requireAtMost(most: number, { length }: Buffer, name: string): void {
  if (length > most) throw refusal(`${name} has ${sizeText(length)}: at most ${sizeText(most)} can be sent`);
}

function refusal(message: string, hint = ""): RequestError {
  return new RequestError("usage", message, { hint });
}

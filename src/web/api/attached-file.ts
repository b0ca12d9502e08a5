/**
 * Files of a message. In the message, a file is the text `[file NAME]` with its content after it. What a server has sent is written likewise,
 * as `[resource URI]`.
 */
import type { SentPart } from "../../doors/shared/sent-part.js";
import type { NamedModel, ShownPart } from "./host-messages.js";

export type AttachedFile = { name: string; bytes: number } & (
  | { kind: "text"; text: string }
  /** `data` is base64. The kind `file` is a PDF. */
  | { kind: "image" | "audio" | "file"; data: string; mime_type: string }
  | { kind: "link"; uri: string }
);

/** A message of a person: a text, files, or both. */
export interface WrittenMessage {
  text: string;
  files: readonly AttachedFile[];
}

/** Separates the text that the person wrote from the files. */
export function writtenMessage(parts: readonly ShownPart[]): WrittenMessage {
  const texts: string[] = [];
  const files: AttachedFile[] = [];
  let name = "";
  for (const [index, part] of parts.entries()) {
    if (part.type === "text") {
      const [, heading, text] = /^\[(?:file|resource) (.*)\](?:\n([\s\S]*))?$/.exec(part.text) ?? [];
      const isOfNext = text === undefined && ["image", "audio", "file"].includes(parts[index + 1]?.type ?? "");
      if (heading === undefined) texts.push(part.text);
      else if (isOfNext) name = heading;
      else if (text === undefined) texts.push(part.text);
      else files.push({ kind: "text", name: heading, text, bytes: new TextEncoder().encode(text).length });
    } else if (part.type === "resource_link") {
      files.push({ kind: "link", name: part.name ?? part.uri, uri: part.uri, bytes: 0 });
    } else {
      const { type: kind, data, mime_type } = part;
      const bytes = Math.floor((data.replace(/=+$/, "").length * 3) / 4);
      files.push({ kind, name: name || unnamed[kind], data, mime_type, bytes });
      name = "";
    }
  }
  return { text: texts.join("\n"), files };
}

const unnamed = { image: "Picture", audio: "Sound", file: "PDF" };

/** Returns the message as the host takes it. */
export function messageBody({ text, files }: WrittenMessage): { text: string } | { content: SentPart[] } {
  if (files.length === 0) return { text };
  return { content: [...(text.trim() ? [{ type: "text" as const, text }] : []), ...files.map(sentPart)] };
}

function sentPart(file: AttachedFile): SentPart {
  const { kind, name } = file;
  if (kind === "text") return { type: "text", text: fileText(file) };
  if (kind === "link") return { type: "resource_link", uri: file.uri, name };
  return { type: "file", name, data: file.data, mime_type: file.mime_type };
}

/** Returns the message as one text, with the content of its text files. */
export function messageText({ text, files }: WrittenMessage): string {
  return [text, ...files.map(fileText)].filter(Boolean).join("\n\n");
}

function fileText(file: AttachedFile): string {
  if (file.kind === "link") return file.uri;
  return `[file ${file.name}]${file.kind === "text" ? `\n${file.text}` : ""}`;
}

const namesOfKinds = { image: "pictures", audio: "sound", file: "PDFs" };

/** Returns why the files cannot be sent to the model. What the model takes may be unknown: then the host decides. */
export function refusedBy(model: NamedModel | undefined, files: readonly AttachedFile[]): string | undefined {
  for (const { kind, name } of files) {
    if (kind === "text" || kind === "link" || (model?.takes?.includes(kind) ?? true)) continue;
    return `${model?.id ?? "The model"} takes no ${namesOfKinds[kind]}. Choose another model, or remove ${name}.`;
  }
  return undefined;
}

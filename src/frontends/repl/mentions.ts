import { stat } from "node:fs/promises";
import { RequestError } from "../../core/errors.js";
import type { ToolHub } from "../../core/ports.js";
import { type Attachment, atHome, attachFile, sizeText } from "../attachments.js";

/** `@word` or `@"several words"` at the start of a word: an address like `me@home.org` is none. */
const mention = /(?<![^\s(])@(?:"([^"\n]+)"|([^\s"]+))/gu;
/** What a sentence puts after a word. */
const punctuation = /[.,;:!?)\]}'’]+$/u;
/** A longer word is neither a path nor an address: text that was pasted. */
const maxNameLength = 4096;
/** Written so, a path is meant: when there is nothing, that is a mistake. */
const isClearlyPath = /^(?:~?\/|\.{1,2}\/)/;

interface MentionParts {
  hub: ToolHub;
  /** Where relative paths begin. */
  folder: string;
  signal: AbortSignal;
}

/**
 * The files and resources that a prompt names with `@`. A word that names neither stays a word, unless it is quoted or begins like a
 * path. Throws RequestError for a file that cannot be attached and when it is cancelled, McpError for a resource that cannot be read.
 */
export async function attachMentions(text: string, parts: MentionParts): Promise<Attachment[]> {
  const attachments = new Map<string, Attachment>();
  for (const [, quoted, word = ""] of text.matchAll(mention)) {
    if (parts.signal.aborted) throw new RequestError("cancelled", "nothing was sent");
    if ((quoted ?? word).length > maxNameLength) continue;
    const attachment = quoted === undefined ? await fromWord(word, parts) : await attachFile(quoted, parts.folder);
    if (attachment) attachments.set(attachment.name, attachment);
  }
  return [...attachments.values()];
}

async function fromWord(word: string, parts: MentionParts): Promise<Attachment | undefined> {
  const names = [...new Set([word, word.replace(punctuation, "")])].filter(Boolean);
  for (const name of names) {
    if (isResource(name, parts.hub)) return fromServer(name, parts);
    if (await isFile(atHome(name, parts.folder))) return attachFile(name, parts.folder);
  }
  const path = names.at(-1) ?? "";
  return isClearlyPath.test(path) ? attachFile(path, parts.folder) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

/** Listed, or of the form of a template. Without a scheme it is a path: a server must not put its words in the place of a file. */
function isResource(uri: string, hub: ToolHub): boolean {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(uri)) return false;
  if (hub.resources().some((resource) => resource.uri === uri)) return true;
  return hub.templates().some(({ uriTemplate }) => {
    const fixed = uriTemplate.split("{", 1)[0] ?? "";
    return fixed.includes(":") && uri.startsWith(fixed) && uri.length > fixed.length;
  });
}

async function fromServer(uri: string, { hub, signal }: MentionParts): Promise<Attachment> {
  const content = await hub.readResource(uri, signal);
  const bytes = content.reduce((sum, part) => sum + sizeOf(part), 0);
  return { name: uri, parts: [{ type: "text", text: `[resource ${uri}]` }, ...content], size: sizeText(bytes) };
}

function sizeOf(part: Attachment["parts"][number]): number {
  if (part.type === "text") return Buffer.byteLength(part.text);
  return part.type === "resource_link" ? 0 : Buffer.byteLength(part.data, "base64");
}

import { stat } from "node:fs/promises";
import { RequestError } from "../../core/errors.js";
import type { ToolHub } from "../../core/ports.js";
import { type Attachment, atHome, attachFile, sizeText } from "../shared/attachments.js";

/** `@word` or `@"several words"` where a word begins. An address such as `me@home.org` does not match. */
const mention = /(?<![^\s(])@(?:"([^"\n]+)"|([^\s"]+))/gu;
const punctuation = /[.,;:!?)\]}'’]+$/u;
/** Maximum length of the name of a file or resource. A longer word is pasted text and not a name. */
const maxNameLength = 4096;
/** Matches the start of a word that must be a path. If no file has this path, attaching the file fails with an error. */
const isClearlyPath = /^(?:~?\/|\.{1,2}\/)/;

interface MentionParts {
  hub: ToolHub;
  /** Folder to which relative paths refer. */
  folder: string;
  signal: AbortSignal;
}

/**
 * Returns the files and resources that a prompt mentions with `@`. A word that names no file and no resource stays text. If such a word is
 * quoted or begins like a path, this is an error. Throws RequestError if a file cannot be attached or the user cancels, and McpError if a
 * resource cannot be read.
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

/**
 * Returns true if the URI is a listed resource or matches a template. A name without a scheme is always a path, so that no server can
 * replace a file with its own text.
 */
function isResource(uri: string, hub: ToolHub): boolean {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(uri)) return false;
  if (hub.resources().some((resource) => resource.uri === uri)) return true;
  return hub.mcpResults.templates().some(({ uriTemplate }) => {
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

import { readFile, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, isAbsolute, relative, resolve, sep } from "node:path";
import { messageOf, RequestError } from "../../core/errors.js";
import { isPdf, pictureType } from "../../core/files/picture-type.js";
import type { ContentPart } from "../../core/messages.js";
import { maxImageBytes, maxTextBytes } from "./sent-part.js";

export interface Attachment {
  name: string;
  parts: ContentPart[];
  /** Size as shown to people, such as `1.2 kB` or `3.4 MB, image/png`. */
  size: string;
}

/** Resolves a path relative to the folder. A leading `~` stands for the user's home folder. */
export function atHome(path: string, folder: string): string {
  return resolve(folder, path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path);
}

/**
 * Reads a text file, a PDF or an image. Throws RequestError of kind `usage` if the file cannot be attached. A path inside the folder is refused if
 * a symlink leads to a file outside: somebody else may have made the link, such as the author of a cloned repository.
 */
export async function attachFile(path: string, folder: string): Promise<Attachment> {
  const absolute = atHome(path, folder);
  const bytes = await readBounded(path, absolute);
  const [real, home] = await Promise.all([realpath(absolute), realpath(folder)]);
  if (isIn(folder, absolute) && !isIn(home, real)) {
    throw refusal(`${path} is a link to ${real}, outside this folder`, "write that path if you mean the file there");
  }
  const heading = { type: "text" as const, text: `[file ${path}]` };
  const mimeType = pictureType(bytes);
  if (mimeType) {
    const image = { type: "image" as const, data: bytes.toString("base64"), mimeType };
    return { name: path, parts: [heading, image], size: `${sizeText(bytes.length)}, ${mimeType}` };
  }
  if (isPdf(bytes)) {
    const data = bytes.toString("base64");
    const file = { type: "file" as const, data, mimeType: "application/pdf", name: basename(path) };
    return { name: path, parts: [heading, file], size: `${sizeText(bytes.length)}, PDF` };
  }
  requireSize(path, bytes.length, maxTextBytes, "text");
  const text = utf8Text(bytes);
  if (text === undefined) throw refusal(`${path} is neither text, a PDF nor an image (PNG, JPEG, GIF, WebP)`);
  return { name: path, parts: [{ ...heading, text: `${heading.text}\n${text}` }], size: sizeText(bytes.length) };
}

function isIn(folder: string, path: string): boolean {
  const relativePath = relative(folder, path);
  return relativePath !== ".." && !relativePath.startsWith(`..${sep}`) && !isAbsolute(relativePath);
}

async function readBounded(path: string, absolute: string): Promise<Buffer> {
  try {
    const stats = await stat(absolute);
    if (!stats.isFile()) throw refusal(`${path} is ${stats.isDirectory() ? "a folder" : "no file"}`);
    requireSize(path, stats.size, maxImageBytes, "an image");
    return await readFile(absolute);
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const { code = "" } = error as NodeJS.ErrnoException;
    throw refusal(`${path} cannot be read: ${reasons[code] ?? messageOf(error)}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "permission denied",
};

function requireSize(path: string, bytes: number, most: number, what: string): void {
  if (bytes <= most) return;
  const text = `${basename(path)} is too large to be attached: ${sizeText(bytes)}; ${what} may have ${sizeText(most)}`;
  throw refusal(text, "name a part of it in the prompt, or let the model read it with a tool");
}

/** Returns the bytes as text. Undefined if they are not UTF-8 text. */
export function utf8Text(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function refusal(message: string, hint = ""): RequestError {
  return new RequestError("usage", message, { hint });
}

/** Returns a size as text, such as `812 B`, `1.2 kB` or `3.4 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

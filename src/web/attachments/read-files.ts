/** Reads files that a person attaches. The limits are those of the host. */
import { maxImageBytes, maxTextBytes } from "../../doors/shared/sent-part.js";
import type { AttachedFile } from "../api/attached-file.js";
import { shownBytes } from "../shared/format-text.js";

/** Limit for all files of a message, in bytes. Written as base64, they then fit in a request of 16 MiB. */
const mostBytes = 12_000_000;

const pictures: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** Reads the files, to be attached beside `others`. `problem` says which of them cannot be attached, and why. */
export async function readFiles(
  picked: readonly File[],
  others: readonly AttachedFile[],
): Promise<{ files: AttachedFile[]; problem: string | undefined }> {
  const files: AttachedFile[] = [];
  const problems: string[] = [];
  for (const each of picked) {
    const file = await readFile(each).catch(() => `${each.name} cannot be read`);
    const sum = [...others, ...files].reduce((total, { bytes }) => total + bytes, each.size);
    if (typeof file === "string") problems.push(file);
    else if (sum > mostBytes) problems.push(`${each.name} is too much: ${atMost("all files of a message", mostBytes)}`);
    else files.push(file);
  }
  return { files, problem: problems.join(". ") || undefined };
}

/** Resolves with the reason if the file cannot be attached. Rejects if it cannot be read, such as a folder. */
async function readFile(file: File): Promise<AttachedFile | string> {
  const { name, size: bytes, type: mimeType } = file;
  const isLonger = (most: number) => bytes > most && `${name} has ${shownBytes(bytes)}: ${atMost("it", most)}`;
  if (pictures.includes(mimeType)) {
    return isLonger(maxImageBytes) || { kind: "image", name, bytes, mime_type: mimeType, data: await base64Of(file) };
  }
  const kind = mimeType.startsWith("audio/") ? "audio" : mimeType === "application/pdf" ? "file" : undefined;
  if (kind) return isLonger(mostBytes) || { kind, name, bytes, mime_type: mimeType, data: await base64Of(file) };
  const text = textIn(await file.slice(0, maxTextBytes).arrayBuffer());
  if (text === undefined) return `${name} is neither text, sound, a PDF nor a picture (PNG, JPEG, GIF, WebP)`;
  return isLonger(maxTextBytes) || { kind: "text", name, bytes, text };
}

function atMost(what: string, bytes: number): string {
  return `${what} may have at most ${shownBytes(bytes)}`;
}

/** Returns the text that the bytes begin with. Undefined if they are not text. */
function textIn(bytes: ArrayBuffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function base64Of(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

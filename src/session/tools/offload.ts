/** Shortens tool results that are too large for a model. The model gets the beginning and the end, and the whole result is stored. */

import { messageOf } from "../../core/errors.js";
import type { NewId } from "../../core/ids.js";
import { type ContentPart, type DataPart, linkText, type ToolResult } from "../../core/messages.js";
import { headOf, tailOf } from "../../core/text/excerpt.js";
import { bytesPerToken } from "../../core/token-usage.js";

export interface OffloadParts {
  /** Maximum size of a result that the model gets whole, in tokens. Four bytes count as one token. */
  limitTokens: number;
  /** Stores the text under this id. Rejects with StoreError. */
  put: (resultId: string, text: string) => Promise<void>;
  newId: NewId;
  /** Name of the tool with which the model reads stored results. */
  reader: string;
}

/** Maximum number of bytes that the model gets of a large text. Even with only two bytes per token, this is well below 2,000 tokens. */
const maxShownBytes = 3_000;
/** Maximum length of a picture or sound, in characters of base64 (about 5 MB). No provider accepts a larger picture. */
const maxMediaChars = 7_000_000;
/** Maximum length of all pictures and sounds of a result together. Providers accept requests of 20 to 32 MB. */
const maxMediaCharsTogether = 14_000_000;

/**
 * Returns the result in the form in which its event is stored. A result that is small enough is returned unchanged, and without a promise.
 * For a large result, the whole text is stored first, because an event must not refer to a text that is not stored.
 */
export function offload(result: ToolResult, parts: OffloadParts): ToolResult | Promise<ToolResult> {
  const { content } = result;
  const isLong = isLonger(content, parts.limitTokens * bytesPerToken);
  const large = tooLarge(content);
  return isLong || large.size > 0 ? offloaded(result, { isLong, large }, parts) : result;
}

async function offloaded(
  result: ToolResult,
  { isLong, large }: { isLong: boolean; large: ReadonlySet<ContentPart> },
  parts: OffloadParts,
): Promise<ToolResult> {
  const maxBytes = parts.limitTokens * bytesPerToken;
  const { content } = result;
  const resultIds: string[] = [];
  const store = async (text: string) => {
    const resultId = parts.newId("res");
    try {
      await parts.put(resultId, text);
    } catch (error) {
      return `it could not be stored (${messageOf(error)})`;
    }
    resultIds.push(resultId);
    return `it is stored as ${resultId}, to be read with ${parts.reader}`;
  };
  const shown: ContentPart[] = [];
  if (isLong) {
    const text = content.flatMap(wordsOf).join("\n");
    shown.push({ type: "text", text: endsWithNote(text, Math.min(maxBytes, maxShownBytes), await store(text)) });
  }
  for (const part of content) {
    if (isMedia(part) && large.has(part)) {
      const { type, mimeType, data } = part;
      const size = data.length > maxMediaChars ? "too large" : "too large together with those before it";
      const note = `[${type} ${mimeType}, ${data.length} characters of base64, ${size} to be shown; ${await store(data)}]`;
      shown.push({ type: "text", text: note });
    } else if (!isLong || isMedia(part)) shown.push(part);
  }
  // From now on, the model is also offered the tool that reads stored results; see `TurnToolbox.tools`.
  return { ...result, content: shown, ...(resultIds.length > 0 && { resultIds, found: [parts.reader] }) };
}

function endsWithNote(text: string, maxBytes: number, where: string): string {
  const head = headOf(text, Math.ceil((maxBytes * 2) / 3));
  const tail = tailOf(text, Math.floor(maxBytes / 3));
  const note = `[… the result has ${text.length} characters, of which the first ${head.length} and the last ${tail.length} are shown; ${where} …]`;
  return `${head}\n${note}\n${tail}`;
}

/**
 * Returns true if the texts together are longer than `maxBytes`. A character takes one to three bytes, so the number of characters is often
 * enough to decide. If it is not, counts the bytes.
 */
function isLonger(content: readonly ContentPart[], maxBytes: number): boolean {
  let chars = 0;
  for (const part of content) for (const text of wordsOf(part)) chars += text.length + 1;
  if (chars * 3 <= maxBytes) return false;
  const texts = content.flatMap(wordsOf);
  return chars > maxBytes + texts.length || texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxBytes;
}

function wordsOf(part: ContentPart): string[] {
  if (part.type === "text") return [part.text];
  return part.type === "resource_link" ? [linkText(part)] : [];
}

function isMedia(part: ContentPart): part is DataPart {
  return "data" in part;
}

/** Returns the pictures and sounds that are too large by themselves, or for which those before them leave no room. */
function tooLarge(content: readonly ContentPart[]): Set<ContentPart> {
  const large = new Set<ContentPart>();
  let chars = 0;
  for (const part of content.filter(isMedia)) {
    const { length } = part.data;
    if (length > maxMediaChars || chars + length > maxMediaCharsTogether) large.add(part);
    else chars += length;
  }
  return large;
}

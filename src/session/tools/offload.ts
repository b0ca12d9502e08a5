/** Shortens tool results that are too large for a model: the beginning and the end are shown, and the whole result is stored. */

import { messageOf } from "../../core/errors.js";
import type { NewId } from "../../core/ids.js";
import { type ContentPart, linkText, type ToolResult } from "../../core/messages.js";
import { headOf, tailOf } from "../../core/text/excerpt.js";

export interface OffloadParts {
  /** Maximum size of a result that is shown whole, in tokens. A token is counted as four bytes. */
  limitTokens: number;
  /** Stores the text under this id. Rejects with StoreError. */
  put: (resultId: string, text: string) => Promise<void>;
  newId: NewId;
  /** Name of the tool with which the model reads stored results. */
  reader: string;
}

const bytesPerToken = 4;
/** Maximum number of bytes that are shown of a large text. That is well below 2,000 tokens even at two bytes per token. */
const maxShownBytes = 3_000;
/** Maximum length of a picture or sound in base64, about 5 MB: no provider takes a larger picture. */
const maxMediaChars = 7_000_000;

type Media = Extract<ContentPart, { data: string }>;

/**
 * Returns the result as its event will hold it. A result that is not too large is returned unchanged, and not as a promise. A large result
 * is stored first, so that no event names a result that is not stored.
 */
export function offload(result: ToolResult, parts: OffloadParts): ToolResult | Promise<ToolResult> {
  const { content } = result;
  const isLong = isLonger(content, parts.limitTokens * bytesPerToken);
  return isLong || content.some(isTooLarge) ? offloaded(result, isLong, parts) : result;
}

async function offloaded(result: ToolResult, isLong: boolean, parts: OffloadParts): Promise<ToolResult> {
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
    if (isTooLarge(part)) {
      const note = `[${part.type} ${part.mimeType}, ${part.data.length} characters of base64, too large to be shown; ${await store(part.data)}]`;
      shown.push({ type: "text", text: note });
    } else if (!isLong || isMedia(part)) shown.push(part);
  }
  // The tool that reads results is offered only once the conversation has a stored result; see `TurnToolbox.tools`.
  return { ...result, content: shown, ...(resultIds.length > 0 && { resultIds, found: [parts.reader] }) };
}

function endsWithNote(text: string, maxBytes: number, where: string): string {
  const head = headOf(text, Math.ceil((maxBytes * 2) / 3));
  const tail = tailOf(text, Math.floor(maxBytes / 3));
  const note = `[… the result has ${text.length} characters, of which the first ${head.length} and the last ${tail.length} are shown; ${where} …]`;
  return `${head}\n${note}\n${tail}`;
}

/**
 * True if the texts are longer than `maxBytes`. Counts bytes only if the number of characters does not decide: a character is one to three
 * bytes.
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

function isMedia(part: ContentPart): part is Media {
  return "data" in part;
}

function isTooLarge(part: ContentPart): part is Media {
  return isMedia(part) && part.data.length > maxMediaChars;
}

/** Converts MCP's content blocks to the host's content parts. No other file knows the shapes of the blocks. */

import { isDeepStrictEqual } from "node:util";
import { asArray, isPlainObject, type JsonObject, parseJson, textOrEmpty } from "../../core/json.js";
import type { ContentPart } from "../../core/messages.js";
import type { ToolResult } from "../../core/ports.js";

/** Maximum number of blocks in one result. Each becomes a part of a message, which costs time and memory in every layer of the host. */
const mostBlocks = 10_000;
/** Maximum length of a media type, in characters: 127 before and 127 after the slash (RFC 6838). */
const longestMediaType = 255;

/** Maximum length of the texts of one result that are compared with its structured content, together. Parsing them takes time. */
const mostCompared = 4 * 1024 * 1024;

/** Converts the result of a tool call. Some servers send a text or one block as `content` instead of a list of blocks. */
export function toToolResult(result: JsonObject): ToolResult {
  const words = textOrEmpty(result.content);
  const blocks = isPlainObject(result.content) ? [result.content] : asArray(result.content);
  const content = words ? [text(words)] : partsOf(blocks);
  const structured = structuredOf(result);
  if (structured !== undefined && !saysAlready(content, structured)) content.push(text(JSON.stringify(structured)));
  if (content.length === 0) content.push(text("(the tool returned nothing)"));
  return { content, isError: result.isError === true };
}

/** Returns the structured content of a tool result. Returns undefined if there is none. */
export function structuredOf(result: JsonObject): unknown {
  return result.structuredContent ?? result.toolResult; // `toolResult` is the name of the field in protocol 2024-10-07
}

export function promptParts(result: JsonObject): ContentPart[] {
  const blocks = asArray(result.messages)
    .filter(isPlainObject)
    .flatMap(({ role, content }) => (role === "assistant" ? [text("[assistant]"), content] : [content]).flat());
  return partsOf(blocks);
}

export function resourceParts(result: JsonObject): ContentPart[] {
  return partsOf(asArray(result.contents).map((resource) => ({ type: "resource", resource })));
}

export function errorResult(message: string): ToolResult {
  return { content: [text(message)], isError: true };
}

/** Converts the first blocks, and says how many others there are. */
function partsOf(blocks: readonly unknown[]): ContentPart[] {
  const parts = blocks.slice(0, mostBlocks).flatMap(contentParts);
  const rest = blocks.length - mostBlocks;
  return rest > 0 ? [...parts, text(`[${rest} more blocks of content were left out]`)] : parts;
}

export function contentParts(block: unknown): ContentPart[] {
  if (!isPlainObject(block)) return [text(`[content that is not an object: ${JSON.stringify(block)}]`)];
  const { type, text: words, data, mimeType, uri, name, resource } = block;
  if (type === "text" && typeof words === "string") return [text(words)];
  if ((type === "image" || type === "audio") && typeof data === "string") {
    return [{ type, data, mimeType: mediaType(mimeType) || (type === "image" ? "image/png" : "audio/wav") }];
  }
  if (type === "resource_link" && typeof uri === "string") {
    return [{ type, uri, ...(textOrEmpty(name) && { name: textOrEmpty(name) }), ...mimeOf(mimeType) }];
  }
  if (type === "resource" && isPlainObject(resource)) return embedded(resource);
  return [text(`[content of type ${JSON.stringify(type)} that this host cannot show]`)];
}

function embedded({ uri, mimeType, text: words, blob }: JsonObject): ContentPart[] {
  const address = textOrEmpty(uri);
  if (typeof words === "string") return [text(`[resource ${address}]\n${words}`)];
  const media = mediaType(mimeType);
  const kind =
    media === "application/pdf" ? "file" : (/^(image|audio)\//.exec(media)?.[1] as "image" | "audio" | undefined);
  if (typeof blob === "string" && kind) {
    return [text(`[resource ${address}]`), { type: kind, data: blob, mimeType: media }];
  }
  return [{ type: "resource_link", uri: address, ...mimeOf(mimeType) }];
}

/**
 * Returns true if a text block already contains the structured content, as the specification asks. Some servers wrap a single value in an
 * object (FastMCP in `{"result": …}`, server-filesystem in `{"content": …}`); a text block with only that value is enough too.
 */
function saysAlready(content: readonly ContentPart[], structured: unknown): boolean {
  const members = isPlainObject(structured) ? Object.values(structured) : [];
  const values = members.length === 1 ? [structured, ...members] : [structured];
  let rest = mostCompared;
  return content.some((part) => {
    if (part.type !== "text") return false;
    rest -= part.text.length;
    const json = rest >= 0 ? parseJson(part.text) : undefined;
    return values.some((value) => value === part.text || (json !== undefined && isDeepStrictEqual(json, value)));
  });
}

function mimeOf(mimeType: unknown): { mimeType?: string } {
  const media = mediaType(mimeType);
  return media ? { mimeType: media } : {};
}

/** Returns the media type. Returns an empty text if it is invalid or too long: the media type of a picture does not count as text of the result. */
function mediaType(given: unknown): string {
  const media = textOrEmpty(given);
  return media.length > longestMediaType ? "" : media;
}

function text(words: string): ContentPart {
  return { type: "text", text: words };
}

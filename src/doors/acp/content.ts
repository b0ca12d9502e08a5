/** Conversion between ACP's content blocks and our content parts. https://agentclientprotocol.com/protocol/v1/content */
import type { ContentBlock } from "@agentclientprotocol/sdk";
import type { ContentPart } from "../../core/messages.js";
import { fileResource } from "../shared/sent-content.js";
import { parsedArguments } from "../shared/tool-input.js";

export function toParts(blocks: readonly ContentBlock[]): ContentPart[] {
  return blocks.flatMap(partsOf);
}

function partsOf(block: ContentBlock): ContentPart[] {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: block.text }];
    case "image":
    case "audio":
      return [{ type: block.type, data: block.data, mimeType: block.mimeType }];
    case "resource_link":
      return [link(block.uri, block.mimeType, block.name)];
    case "resource":
      return embedded(block.resource);
  }
}

export function toBlock(part: ContentPart): ContentBlock {
  if (part.type === "resource_link") return { ...part, name: part.name ?? part.uri };
  return part.type === "file" ? fileResource(part) : { ...part };
}

export function textBlock(text: string): ContentBlock {
  return { type: "text", text };
}

type Embedded = Extract<ContentBlock, { type: "resource" }>["resource"];

/** Converts an attachment of the editor to parts: the text `[resource URI]`, then the content. */
function embedded(resource: Embedded): ContentPart[] {
  const from = { type: "text" as const, text: `[resource ${resource.uri}]` };
  if ("text" in resource) return [{ ...from, text: `${from.text}\n${resource.text}` }];
  const { uri, blob, mimeType } = resource;
  if (mimeType?.startsWith("image/")) return [from, { type: "image", data: blob, mimeType }];
  if (mimeType?.startsWith("audio/")) return [from, { type: "audio", data: blob, mimeType }];
  if (mimeType === "application/pdf") return [from, { type: "file", data: blob, mimeType }];
  return [link(uri, mimeType)];
}

function link(uri: string, mimeType?: string | null, name?: string): ContentPart {
  return { type: "resource_link", uri, ...(name && { name }), ...(mimeType && { mimeType }) };
}

/** Returns the arguments as JSON, or the model's own text if they are not valid JSON. */
export function rawInput(text: string): unknown {
  const parsed = parsedArguments(text);
  return parsed ? parsed.value : text;
}

import type { ContentBlock } from "@modelcontextprotocol/sdk/types.js";
import type { ContentPart } from "../../core/chat.js";

export function contentBlock(part: ContentPart): ContentBlock {
  return part.type === "resource_link" ? { ...part, name: part.name ?? part.uri } : { ...part };
}

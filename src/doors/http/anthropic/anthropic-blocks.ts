/** Token counts and content blocks in Anthropic's format. https://docs.claude.com/en/api/messages */
import { isPlainObject } from "../../../core/json.js";
import { type ContentPart, linkText, type Usage } from "../../../core/messages.js";
import { parsedArguments } from "../../shared/tool-input.js";
import type { AnthropicBlock } from "./anthropic-body.js";

/**
 * Returns the counts in Anthropic's fields. Clients require every field, so a count that the provider did not report is 0. Cached tokens
 * are not part of `input_tokens`.
 */
export function anthropicUsage(usage: Partial<Usage> = {}) {
  const { inputTokens = 0, outputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens } = usage;
  const lasting = cacheWrite1hTokens !== undefined && {
    cache_creation: {
      ephemeral_5m_input_tokens: Math.max(0, cacheWriteTokens - cacheWrite1hTokens),
      ephemeral_1h_input_tokens: cacheWrite1hTokens,
    },
  };
  return {
    input_tokens: Math.max(0, inputTokens - cachedTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    ...lasting,
    output_tokens: outputTokens,
  };
}

/**
 * Returns the arguments of a call as an object, because the field `input` of a block must be an object. Text that is not a JSON object is
 * put under the key `unparsed`.
 */
export function toolInput(text: string): Record<string, unknown> {
  const value = text === "" ? {} : parsedArguments(text)?.value;
  return isPlainObject(value) ? { ...value } : { unparsed: text };
}

/** Returns a text block for a part of a server's result. Parts that are not text are described. */
export function resultBlock(part: ContentPart): AnthropicBlock {
  return { type: "text", text: resultText(part) };
}

function resultText(part: ContentPart): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
      return "[image]";
    case "audio":
    case "file":
      return `[${part.type} ${part.mimeType}]`;
    case "resource_link":
      return linkText(part);
  }
}

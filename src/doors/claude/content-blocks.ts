/** Conversion between content blocks of Anthropic's Messages API and our content parts. https://docs.claude.com/en/api/messages */
import { type AssistantMessage, type ContentPart, linkText } from "../../core/messages.js";
import { FieldReader, MessageProblem, requiredValue } from "../protocol/fields.js";
import { parsedArguments } from "../shared/tool-input.js";

type Block = { type: string } & Record<string, unknown>;

export function assistantBlocks({ reasoning, content, toolCalls }: AssistantMessage): Block[] {
  return [
    ...(reasoning ? [{ type: "thinking", thinking: reasoning, signature: "" }] : []),
    ...(content ? [{ type: "text", text: content }] : []),
    ...toolCalls.map(({ id, name, arguments: text }) => ({ type: "tool_use", id, name, input: toolInput(text) })),
  ];
}

/**
 * Returns the arguments of a call as an object, because the field `input` of a block must be an object. Text that is not a JSON object is
 * put under the key `unparsed`.
 */
export function toolInput(text: string): Record<string, unknown> {
  const value = text === "" ? {} : parsedArguments(text)?.value;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : { unparsed: text };
}

/**
 * Converts a part of a tool's result to a block. If Anthropic's API has no block type for the part, returns a text block that describes the
 * part.
 */
export function resultBlock(part: ContentPart): Block {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image", source: { type: "base64", media_type: part.mimeType, data: part.data } };
    case "audio":
      return { type: "text", text: `[audio ${part.mimeType}]` };
    case "resource_link":
      return { type: "text", text: linkText(part) };
  }
}

/** Reads `content` of a user message: a string, or a list of text and image blocks. Throws MessageProblem. */
export function userContent(content: unknown): ContentPart[] {
  if (typeof content === "string") {
    if (content.trim() !== "") return [{ type: "text", text: content }];
  } else if (!Array.isArray(content)) {
    throw new MessageProblem('"message.content" must be a text or a list of content blocks');
  } else if (content.length > 0) {
    return content.map((block, index) => userPart(new FieldReader(block, `message.content[${index}].`)));
  }
  throw new MessageProblem('"message.content" is empty');
}

function userPart(block: FieldReader): ContentPart {
  const type = block.text("type");
  if (type === "text") return { type, text: requiredValue(block.text("text"), block.pathOf("text")) };
  if (type !== "image") {
    throw new MessageProblem(`"${block.pathOf("type")}" must be "text" or "image": other blocks are not taken`);
  }
  const source = block.fields("source");
  if (source.text("type") !== "base64") throw new MessageProblem(`"${source.pathOf("type")}" must be "base64"`);
  const data = requiredValue(source.text("data"), source.pathOf("data"));
  return { type, data, mimeType: requiredValue(source.text("media_type"), source.pathOf("media_type")) };
}

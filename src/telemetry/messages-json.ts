/**
 * Converts messages to the JSON format of OpenTelemetry's conventions, which has roles and parts. Images and audio are only mentioned, not
 * copied.
 */
import type { ContentPart, Message, ToolCall } from "../core/messages.js";

export function messagesJson(messages: readonly Message[]): string {
  return JSON.stringify(messages.map((message) => ({ role: message.role, parts: partsOf(message) })));
}

function partsOf(message: Message): object[] {
  switch (message.role) {
    case "system":
      return [text(message.content)];
    case "user":
      return message.content.map(part);
    case "assistant": {
      const { reasoning, content, toolCalls } = message;
      const thought = reasoning ? [{ type: "reasoning", content: reasoning }] : [];
      return [...thought, ...(content ? [text(content)] : []), ...toolCalls.map(call)];
    }
    case "tool":
      return [{ type: "tool_call_response", id: message.toolCallId, response: message.content.map(part) }];
  }
}

function text(content: string): object {
  return { type: "text", content };
}

function call({ id, name, arguments: args }: ToolCall): object {
  return { type: "tool_call", id, name, arguments: args };
}

function part(content: ContentPart): object {
  if (content.type === "text") return text(content.text);
  if (content.type === "resource_link") return { type: "uri", uri: content.uri };
  return { type: "blob", modality: content.type, mime_type: content.mimeType };
}

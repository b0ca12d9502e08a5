import type { Message } from "../../../core/messages.js";
import { ApiError } from "../shared/api-errors.js";

/** Maximum length of all messages of an API call, in characters. No model reads that much. */
const mostChars = 64 * 1024 * 1024;

/**
 * Returns the messages unchanged. Throws ApiError if they are longer than `mostChars`: even a short API call can refer to the same long
 * turn many times. `param` is the field of the call with the messages.
 */
export function requireSize(messages: Message[], param: "input" | "messages"): Message[] {
  const chars = messages.reduce((sum, message) => sum + charsOf(message), 0);
  if (chars <= mostChars) return messages;
  const text = "the input, with the turns of the log that it refers to, has more than 67 million characters";
  throw new ApiError(400, "context_length_exceeded", text, param);
}

function charsOf(message: Message): number {
  if (message.role === "system") return message.content.length;
  if (message.role === "assistant") {
    const { content, reasoning = "", toolCalls } = message;
    return toolCalls.reduce((sum, call) => sum + call.arguments.length, content.length + reasoning.length);
  }
  return message.content.reduce((sum, part) => {
    if (part.type === "text") return sum + part.text.length;
    return sum + (part.type === "resource_link" ? part.uri : part.data).length;
  }, 0);
}

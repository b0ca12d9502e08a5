/**
 * Reads messages of OpenAI's APIs as messages of this host. The structure of a message is already validated, but the content of its parts
 * is not.
 */
import type { ContentPart, Message } from "../../../core/messages.js";
import { ApiError } from "../shared/api-errors.js";
import { pictureAt } from "../shared/picture-address.js";
import { callerToolName } from "../turns/caller-tools.js";

type MessagePart = { type: string; [field: string]: unknown };
export type Content = string | MessagePart[] | null | undefined;

export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  content?: Content;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[] | null;
  tool_call_id?: string | null;
}

/** Reads a message. Throws ApiError for content that cannot be sent to any model. */
export function readMessage({ role, content, tool_calls, tool_call_id }: ChatMessage): Message {
  const parts = readContent(content);
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", content: textOf(parts) };
    case "user":
      return { role, content: parts };
    case "assistant": {
      const toolCalls = (tool_calls ?? []).map(({ id, function: { name, arguments: text } }) => ({
        id,
        name: callerToolName({ name }),
        arguments: text,
      }));
      return { role, content: textOf(parts), toolCalls };
    }
    case "tool":
      return { role, toolCallId: tool_call_id ?? "", content: parts, isError: false };
  }
}

function readContent(content: Content): ContentPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return (content ?? []).map(readPart);
}

function readPart(part: MessagePart): ContentPart {
  switch (part.type) {
    case "text":
    case "input_text":
    case "output_text":
    case "refusal":
      return { type: "text", text: textIn(part.text ?? part.refusal ?? "", part.type) };
    case "image_url":
    case "input_image":
      return readImage(
        typeof part.image_url === "object" ? (part.image_url as MessagePart | null)?.url : part.image_url,
      );
    case "input_audio": {
      const { data, format } = (part.input_audio ?? {}) as { data?: unknown; format?: unknown };
      const mimeType = `audio/${textIn(format ?? "wav", "input_audio.format")}`;
      return { type: "audio", data: textIn(data ?? "", "input_audio.data"), mimeType };
    }
    case "file":
    case "input_file":
      return readFile(part.type === "file" ? part.file : part);
    default:
      throw new ApiError(400, "unsupported_content", `content of type "${part.type.slice(0, 40)}" is not supported`);
  }
}

/**
 * Returns the value if it is a text. Throws ApiError for any other value: converted to a text, the value would reach the model as something
 * that nobody has written.
 */
function textIn(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new ApiError(400, "invalid_body", `the content's ${name} has to be a text`);
}

/** Reads an image, which is a data URL or an address. */
function readImage(given: unknown): ContentPart {
  const url = textIn(given, "image_url");
  const [, mimeType, data] = /^data:([\w./+-]+);base64,(.*)$/s.exec(url) ?? [];
  if (mimeType && data) return { type: "image", mimeType, data };
  return pictureAt(url, "image_url");
}

/** Reads a PDF with its data. The host stores no files of callers, so a `file_id` means nothing here. */
function readFile(given: unknown): ContentPart {
  const { file_data, filename } = (given ?? {}) as { file_data?: unknown; filename?: unknown };
  const [, mimeType, data] = /^data:(application\/pdf);base64,(.+)$/s.exec(textIn(file_data, "file_data")) ?? [];
  if (!mimeType || !data) {
    throw new ApiError(400, "unsupported_content", "file_data has to be a PDF, as data:application/pdf;base64,…");
  }
  return { type: "file", data, mimeType, ...(typeof filename === "string" && { name: filename }) };
}

function textOf(parts: readonly ContentPart[]): string {
  return parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

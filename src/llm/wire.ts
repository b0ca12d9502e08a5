import {
  type AssistantMessage,
  type CompletionRequest,
  type ContentPart,
  type Message,
  type ToolCall,
  type ToolDefinition,
  textOf,
} from "../core/chat.js";
import { asObject, type JsonObject, parseJson } from "./json.js";
import type { Quirks } from "./presets.js";
import type { Provider } from "./providers.js";

export interface WireOptions {
  provider: Provider;
  model: string;
  streaming: boolean;
}

/** The body of `POST …/chat/completions`. What is undefined is left out by JSON. */
export function requestBody(request: CompletionRequest, { provider, model, streaming }: WireOptions): JsonObject {
  const { quirks } = provider;
  return {
    model,
    messages: wireMessages(request.messages, quirks),
    tools: request.tools.length > 0 ? request.tools.map(wireTool) : undefined,
    temperature: request.temperature ?? provider.temperature,
    top_p: provider.topP,
    [quirks.tokenLimitKey]: request.maxTokens ?? provider.maxTokens,
    stream: streaming,
    stream_options: streaming && quirks.streamUsage ? { include_usage: true } : undefined,
    reasoning: provider.reasoning,
    ...provider.extraBody,
  };
}

/**
 * Tool messages may only hold text, so what else a tool returned follows as one user message after the last result of
 * the batch. An id is never empty, even where a caller's history has it so: the API refuses the whole request.
 */
function wireMessages(messages: readonly Message[], quirks: Quirks): JsonObject[] {
  const wire: JsonObject[] = [];
  let attachments: ContentPart[] = [];
  let unnamed: string[] = [];
  let generated = 0;
  const flush = () => {
    if (attachments.length > 0) wire.push({ role: "user", content: attachments.map(wirePart) });
    attachments = [];
  };
  for (const message of messages) {
    if (message.role === "tool") {
      const text = message.content.filter(isTextual);
      const rest = message.content.filter((part) => !isTextual(part));
      if (rest.length > 0)
        attachments.push({ type: "text", text: `From the tool call ${message.toolCallId}:` }, ...rest);
      const note = rest.length > 0 ? `(${rest.length} attachment(s) in the next user message)` : "(no output)";
      const id = message.toolCallId || unnamed.shift() || `call_unnamed_${++generated}`;
      wire.push({ role: "tool", tool_call_id: id, content: textOf(text.map(asTextPart)) || note });
      continue;
    }
    flush();
    if (message.role === "assistant") {
      const calls = message.toolCalls.map((call) => (call.id ? call : { ...call, id: `call_unnamed_${++generated}` }));
      unnamed = calls.filter((_, position) => !message.toolCalls[position]?.id).map(({ id }) => id);
      wire.push(wireAssistant(message, calls, quirks));
    } else {
      wire.push({
        role: message.role,
        content: message.role === "system" ? message.content : wireContent(message.content),
      });
    }
  }
  flush();
  return wire;
}

function wireAssistant(message: AssistantMessage, calls: readonly ToolCall[], quirks: Quirks): JsonObject {
  if (calls.length === 0) return { role: "assistant", content: message.content };
  const nothing = quirks.nullContent ? null : "";
  return {
    role: "assistant",
    content: message.content || nothing,
    tool_calls: calls.map(({ id, name, arguments: text, opaque }) => ({
      id,
      type: "function",
      function: { name, arguments: wireArguments(text) },
      extra_content: quirks.echoesOpaque ? opaque : undefined,
    })),
  };
}

/**
 * Arguments that are no JSON object were refused when the model wrote them; replayed as they are, strict servers refuse
 * the whole conversation from then on. The same goes for a number beyond a double (llama.cpp answers 500 for ever).
 */
function wireArguments(text: string): string {
  const parsed = asObject(parseJson(text));
  if (!parsed) return JSON.stringify({ invalid_json: text });
  return /[eE]\+?\d{3}/.test(text) ? JSON.stringify(parsed) : text;
}

function wireTool({ name, description, inputSchema }: ToolDefinition): JsonObject {
  return { type: "function", function: { name, description: description || undefined, parameters: inputSchema } };
}

/** Only text: one string, which every server understands. */
function wireContent(content: readonly ContentPart[]): string | JsonObject[] {
  return content.every(isTextual) ? textOf(content.map(asTextPart)) : content.map(wirePart);
}

function isTextual(part: ContentPart): boolean {
  return part.type === "text" || part.type === "resource_link";
}

/** A link is for the model to know of, and to read with a tool. */
function asTextPart(part: ContentPart): ContentPart {
  if (part.type !== "resource_link") return part;
  const facts = [part.name, part.mimeType].filter(Boolean).join(", ");
  return { type: "text", text: `[resource ${part.uri}${facts ? ` (${facts})` : ""}]` };
}

function wirePart(part: ContentPart): JsonObject {
  switch (part.type) {
    case "image":
      return { type: "image_url", image_url: { url: `data:${part.mimeType};base64,${part.data}` } };
    case "audio":
      return { type: "input_audio", input_audio: { data: part.data, format: audioFormat(part.mimeType) } };
    default:
      return { ...asTextPart(part) };
  }
}

/** `audio/mpeg` -> `mp3`, `audio/x-wav` -> `wav`: the API wants the file's extension. */
function audioFormat(mimeType: string): string {
  const subtype = mimeType.replace(/^audio\/(x-)?/, "").replace(/;.*$/, "");
  return subtype === "mpeg" ? "mp3" : subtype;
}

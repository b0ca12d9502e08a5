import type { JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import {
  type AssistantMessage,
  type ContentPart,
  type Message,
  type ToolCall,
  textOf,
} from "../../../core/messages.js";
import type { Quirks } from "../../providers/presets.js";
import { wireArguments, wireName } from "../shared/calls.js";
import { asTaken, inlineFile, isText, onlyText } from "../shared/message-content.js";
import { wireToolId } from "../shared/tool-ids.js";
import type { Target } from "../wire.js";

/** Assistant message between a tool's result and the user's message, for servers that want one. */
const bridge = "OK.";

export function wireMessages(messages: readonly Message[], target: Target<Quirks>): JsonObject[] {
  const walk = new WireWalk(target);
  for (const message of messages) walk.next(message);
  return walk.end();
}

/**
 * Writes messages in order, since some of them depend on the message before. Tool messages hold only text; images and other content of tool
 * results follow in one user message after the batch's last result. If a call in a caller's history has an empty id, it gets a new one,
 * because the API would refuse the whole request.
 */
class WireWalk {
  readonly #target: Target<Quirks>;
  readonly #quirks: Quirks;
  readonly #messages: JsonObject[] = [];
  /**
   * Content of the next user message: pictures of tool results, and the user's messages. They are joined, because some servers refuse two user
   * messages in a row. Undefined if there are none.
   */
  #asked: ContentPart[] | undefined;
  #unnamed: string[] = [];
  #generated = 0;
  #isAfterResult = false;

  constructor(target: Target<Quirks>) {
    this.#target = target;
    this.#quirks = target.quirks;
  }

  next(message: Message): void {
    const taken = asTaken(message, this.#quirks);
    if (taken.role === "user") this.#ask(taken.content);
    else if (taken.role === "tool") {
      this.#messages.push(this.#result(taken));
      this.#isAfterResult = true;
    } else {
      this.end();
      this.#messages.push(this.#said(taken));
      this.#isAfterResult = false;
    }
  }

  end(): JsonObject[] {
    if (!this.#asked) return this.#messages;
    if (this.#isAfterResult && this.#quirks.bridgesResults) this.#messages.push({ role: "assistant", content: bridge });
    this.#messages.push({ role: "user", content: wireContent(this.#asked) });
    this.#asked = undefined;
    return this.#messages;
  }

  #ask(content: readonly ContentPart[]): void {
    this.#asked ??= [];
    addAll(this.#asked, content);
  }

  #result(message: Extract<Message, { role: "tool" }>): JsonObject {
    const given = message.toolCallId || this.#unnamed.shift() || `call_unnamed_${++this.#generated}`;
    const id = wireToolId(given, this.#quirks.toolIds);
    const only = onlyText(message.content);
    if (only) return { role: "tool", tool_call_id: id, content: only };
    const rest = message.content.filter((part) => !isText(part));
    if (rest.length > 0) this.#ask([{ type: "text", text: `From the tool call ${id}:` }, ...rest]);
    const note = rest.length > 0 ? `(${rest.length} attachment(s) in the next user message)` : "(no output)";
    return { role: "tool", tool_call_id: id, content: textOf(message.content) || note };
  }

  #said(message: Exclude<Message, { role: "tool" | "user" }>): JsonObject {
    const quirks = this.#quirks;
    if (message.role === "system") {
      return { role: quirks.developerRole ? "developer" : "system", content: message.content };
    }
    const kept = quirks.echoesOpaque ? this.#kept(message) : undefined;
    return wireAssistant(message, this.#named(message.toolCalls), quirks, kept);
  }

  #kept(message: AssistantMessage): WireKept | undefined {
    const parts = this.#target.kept(message);
    if (!parts) return undefined;
    const details = parts.flatMap((part) => ("opaque" in part ? [part.opaque] : []));
    const attached = new Map(parts.flatMap((part) => ("call" in part ? [[part.call, part.extra?.extra_content]] : [])));
    return { details: details.length > 0 ? details : undefined, attachedTo: (call) => attached.get(call) };
  }

  #named(calls: readonly ToolCall[]): readonly ToolCall[] {
    this.#unnamed = [];
    if (calls.every(({ id }) => id)) return calls;
    return calls.map((call) => {
      if (call.id) return call;
      const id = `call_unnamed_${++this.#generated}`;
      this.#unnamed.push(id);
      return { ...call, id };
    });
  }
}

interface WireKept {
  details: readonly unknown[] | undefined;
  attachedTo(call: number): unknown;
}

function wireAssistant(
  message: AssistantMessage,
  calls: readonly ToolCall[],
  quirks: Quirks,
  kept: WireKept | undefined,
): JsonObject {
  if (calls.length === 0) return { role: "assistant", content: message.content };
  const nothing = quirks.nullContent ? null : "";
  return {
    role: "assistant",
    content: message.content || nothing,
    // Some APIs want this key, and accept an empty value but not a missing key. Reasoning that came through another wire is not sent.
    reasoning_content: quirks.echoReasoning ? (isOfChat(message) && message.reasoning) || "" : undefined,
    reasoning_details: kept?.details,
    tool_calls: calls.map(({ id, name, arguments: text }, position) => ({
      id: wireToolId(id, quirks.toolIds),
      type: "function",
      function: { name: wireName(name), arguments: wireArguments(text) },
      extra_content: kept?.attachedTo(position),
    })),
  };
}

function isOfChat({ kept }: AssistantMessage): boolean {
  return kept === undefined || kept.wire === "chat";
}

/** Writes the content. Content that is only text becomes one string, which every server understands. */
function wireContent(content: readonly ContentPart[]): string | JsonObject[] {
  const only = onlyText(content);
  if (only !== undefined) return only;
  return content.every(isText) ? textOf(content) : content.map(wirePart);
}

function wirePart(part: ContentPart): JsonObject {
  switch (part.type) {
    case "image":
      return { type: "image_url", image_url: { url: `data:${part.mimeType};base64,${part.data}` } };
    case "audio":
      return { type: "input_audio", input_audio: { data: part.data, format: audioFormat(part.mimeType) } };
    case "file":
      return { type: "file", file: inlineFile(part) };
    case "resource_link":
      return { type: "image_url", image_url: { url: part.uri } };
    case "text":
      return { ...part };
  }
}

/** Returns the file extension that the API wants: `audio/mpeg` -> `mp3`, `audio/x-wav` -> `wav`. */
function audioFormat(mimeType: string): string {
  const subtype = mimeType.replace(/^audio\/(x-)?/, "").replace(/;.*$/, "");
  return subtype === "mpeg" ? "mp3" : subtype;
}

import { createHash } from "node:crypto";
import { asText, type JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { AssistantMessage, ContentPart, KeptPart, Message, ToolMessage } from "../../../core/messages.js";
import { wireInput, wireName } from "../shared/calls.js";
import { partsOf } from "../shared/kept.js";
import { asTaken, instructionText, onlyText } from "../shared/message-content.js";
import type { Target } from "../wire.js";
import type { MessagesQuirks } from "./quirks.js";

export interface MessagesTurn {
  role: "user" | "assistant";
  content: JsonObject[];
}

/** User message put before a conversation that begins with an answer, because the API requires a user message first. */
const beginning = "[The beginning of the conversation is left out.]";
const noOutput = "(no output)";
/**
 * Text of the result of a call whose result is unknown. It must never change, because the provider's cache would then miss all messages
 * after it.
 */
const noResult = "no result: the call was not run, or its result is not known";
/** Maximum size of an image, in characters of base64. */
const longestImage = 5 * 1024 * 1024;

type BlockTarget = Pick<Target<MessagesQuirks>, "kept" | "quirks">;

/**
 * Writes the conversation as the API requires it: roles alternate, the first message is from the user, the message after an answer with
 * calls begins with the results, and no text is empty. `late`: names of tools that are sent with `defer_loading`. The model reads such a
 * tool only at the tool result that offers it (`found`).
 */
export function wireConversation(
  messages: readonly Message[],
  target: BlockTarget,
  late: ReadonlySet<string>,
): { system: JsonObject[]; messages: MessagesTurn[] } {
  const walk = new Walk(target, late);
  for (const message of messages) walk.add(message);
  return { system: textBlock(walk.system.join("\n\n")), messages: walk.end() };
}

class Walk {
  readonly system: string[] = [];
  readonly #target: BlockTarget;
  readonly #late: ReadonlySet<string>;
  readonly #messages: MessagesTurn[] = [];
  #calls: { given: string; id: string }[] = [];
  readonly #results = new Map<string, JsonObject>();
  #said: JsonObject[] = [];
  readonly #referred = new Set<string>();
  #unnamed = 0;

  constructor(target: BlockTarget, late: ReadonlySet<string>) {
    this.#target = target;
    this.#late = late;
  }

  add(message: Message): void {
    const taken = asTaken(message, this.#target.quirks);
    if (taken.role === "system") this.#instruct(taken.content);
    else if (taken.role === "user") addAll(this.#said, contentBlocks(taken.content));
    else if (taken.role === "tool") this.#addResult(taken);
    else this.#addAnswer(taken);
  }

  end(): MessagesTurn[] {
    this.#endUser();
    if (this.#messages[0]?.role !== "user") this.#messages.unshift({ role: "user", content: textBlock(beginning) });
    return this.#messages;
  }

  #instruct(text: string): void {
    const isFront = this.#messages.length === 0 && this.#said.length === 0;
    if (isFront) this.system.push(text);
    else if (text.trim() !== "") addAll(this.#said, textBlock(instructionText(text)));
  }

  #addAnswer(message: AssistantMessage): void {
    this.#endUser();
    this.#calls = message.toolCalls.map(({ id }) => ({
      given: id,
      id: id ? wireId(id) : `call_unnamed_${++this.#unnamed}`,
    }));
    const content = this.#answerBlocks(message);
    const last = this.#messages.at(-1);
    if (content.length === 0) return;
    if (last?.role === "assistant") addAll(last.content, content);
    else this.#messages.push({ role: "assistant", content });
  }

  #answerBlocks(message: AssistantMessage): JsonObject[] {
    const { content, toolCalls, reasoning } = message;
    const kept = withoutUnbound(this.#target.kept(message), message);
    const order = kept ?? partsOf({ content, toolCalls });
    const blocks: JsonObject[] = [];
    let at = 0;
    for (const part of order) {
      if ("opaque" in part) blocks.push(part.opaque);
      else if ("text" in part) {
        const text = content.slice(at, at + part.text);
        at += part.text;
        if (!isBlank(text)) blocks.push({ type: "text", text, ...part.extra });
      } else {
        const call = toolCalls[part.call];
        const id = this.#calls[part.call]?.id;
        if (!call || !id) continue;
        const input = wireInput(call.arguments);
        blocks.push({ type: "tool_use", id, name: wireName(call.name), input, ...part.extra });
      }
    }
    if (kept || !this.#target.quirks.echoThinking || toolCalls.length === 0) return blocks;
    return [{ type: "thinking", thinking: reasoning ?? "", signature: "" }, ...blocks];
  }

  /** Adds a result. If its call is missing, writes the result as text: a caller may have cut the history between call and result. */
  #addResult(message: ToolMessage): void {
    const call = this.#calls.find(({ given, id }) => given === message.toolCallId && !this.#results.has(id));
    if (!call) {
      addAll(this.#said, [...textBlock("[The result of an earlier tool call:]"), ...contentBlocks(message.content)]);
      return;
    }
    const blocks = contentBlocks(message.content);
    const isText = ({ type }: JsonObject) => type === "text";
    const content = message.isError ? blocks.filter(isText) : blocks;
    // An error result may hold only text, so its pictures follow after the results.
    const beside = message.isError ? blocks.filter((block) => !isText(block)) : [];
    if (beside.length > 0) addAll(content, textBlock(`(${beside.length} picture(s) after the results)`));
    addAll(this.#said, beside);
    if (!message.isError) addAll(content, this.#references(message.found));
    const [first] = content;
    this.#results.set(call.id, {
      type: "tool_result",
      tool_use_id: call.id,
      content: content.length > 1 || (first && !isText(first)) ? content : (first?.text ?? noOutput),
      ...(message.isError ? { is_error: true } : {}),
    });
  }

  #references(found: readonly string[] = []): JsonObject[] {
    const fresh = found.filter((name) => this.#late.has(name) && !this.#referred.has(name));
    for (const name of fresh) this.#referred.add(name);
    return fresh.map((tool_name) => ({ type: "tool_reference", tool_name }));
  }

  /**
   * Adds the user's message unless it is empty. The user's message is empty if the last message is an answer that the provider has paused.
   */
  #endUser(): void {
    let content = this.#said;
    if (this.#calls.length > 0) {
      const results = this.#calls.map(
        ({ id }) =>
          this.#results.get(id) ?? { type: "tool_result", tool_use_id: id, content: noResult, is_error: true },
      );
      content = [...results, ...content];
      this.#calls = [];
      this.#results.clear();
    }
    if (content.length === 0) return;
    this.#messages.push({ role: "user", content });
    this.#said = [];
  }
}

/**
 * Returns the names of the tools that earlier tool results offer to the model (`found`). The model reads these tools at the results instead
 * of at the front of the request. If that would leave no tool at the front, returns no names.
 */
export function lateTools(messages: readonly Message[], names: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const message of messages) {
    if (message.role !== "tool" || message.isError) continue;
    for (const name of message.found ?? []) if (names.has(name)) found.add(name);
  }
  return found.size < names.size ? found : new Set();
}

/**
 * Drops the thinking of a message if messages before it are no longer sent, because they were summarised or left out: the signature of the
 * thinking also covers those messages.
 */
function withoutUnbound(
  kept: readonly KeptPart[] | undefined,
  { hasLostContext }: AssistantMessage,
): readonly KeptPart[] | undefined {
  return hasLostContext ? kept?.filter((part) => !("opaque" in part && isThought(part.opaque))) : kept;
}

function isThought(block: JsonObject | undefined): boolean {
  return /^(redacted_)?thinking$/.test(asText(block?.type) ?? "");
}

/** Returns the text as a block; no block if the text is blank. */
function textBlock(text: string): JsonObject[] {
  return isBlank(text) ? [] : [{ type: "text", text }];
}

function isBlank(text: string): boolean {
  return !/\S/.test(text);
}

function contentBlocks(content: readonly ContentPart[]): JsonObject[] {
  const only = onlyText(content);
  return only === undefined ? content.flatMap(contentBlock) : textBlock(only);
}

function contentBlock(part: ContentPart): JsonObject[] {
  if (part.type === "text") return textBlock(part.text);
  if (part.type === "resource_link") return [{ type: "image", source: { type: "url", url: part.uri } }];
  const { mimeType: mediaType, data } = part;
  if (part.type === "file") {
    const source = { type: "base64", media_type: mediaType, data };
    return [{ type: "document", source, title: part.name }];
  }
  if (data.length <= longestImage) return [{ type: "image", source: { type: "base64", media_type: mediaType, data } }];
  return textBlock(`[image ${mediaType}, ${data.length} characters of base64: it is too large for you]`);
}

const takenId = /^[a-zA-Z0-9_-]+$/;

/**
 * Returns a call's id in a form that the API accepts, since the id may come from another provider. The same id always gives the same
 * result, so a call and its tool result still match.
 */
function wireId(id: string): string {
  return takenId.test(id) ? id : `call_${createHash("sha256").update(id).digest("base64url").slice(0, 24)}`;
}

/**
 * Returns true if a model with a thinking budget may think in the next answer. It may not if the last message holds tool results and the
 * answer before them did not begin with thinking.
 */
export function isThoughtOpen(messages: readonly MessagesTurn[]): boolean {
  const isResult = messages.at(-1)?.content.some(({ type }) => type === "tool_result");
  return !isResult || isThought(messages.at(-2)?.content[0]);
}

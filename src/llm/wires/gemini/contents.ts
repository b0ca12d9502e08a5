import { asObject, asText, type JsonObject } from "../../../core/json.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { AssistantMessage, KeptPart, Message, ToolCall } from "../../../core/messages.js";
import { wireInput } from "../shared/calls.js";
import { instructionText } from "../shared/message-content.js";
import type { Target } from "../wire.js";
import type { GeminiQuirks } from "./gemini-models.js";
import { geminiName } from "./gemini-names.js";
import { geminiPart } from "./media.js";

/**
 * Placeholder signature for a call without one, because another model wrote it. Source: ai.google.dev/gemini-api/docs/thought-signatures.
 */
const noSignature = "skip_thought_signature_validator";
/**
 * User message put before a conversation that begins with an answer, because Gemini refuses such a conversation. It holds a text, because
 * Gemini also refuses a message without parts.
 */
const beginning = { role: "user", parts: [{ text: "(the conversation so far)" }] };
const empty = { text: "(empty)" };
const noOutput = "(no output)";

type Result = Extract<Message, { role: "tool" }>;

interface GeminiContent {
  role: string;
  parts: JsonObject[];
}

interface SentCall {
  call: ToolCall;
  /**
   * The provider's id of the call, which the result repeats. Undefined if the provider gave none, if another provider's model made the
   * call, or if ids must not be sent.
   */
  id: string | undefined;
  result?: Result;
}

/**
 * Builds `systemInstruction` and `contents`. A message is written with the same bytes in every later request, whatever messages follow it.
 */
export function wireContents(
  messages: readonly Message[],
  target: Target<GeminiQuirks>,
): { systemInstruction: JsonObject | undefined; contents: GeminiContent[] } {
  const walk = new ContentWalk(target);
  for (const message of messages) walk.next(message);
  walk.closeCalls();
  const { system, contents } = walk;
  return { systemInstruction: system.length > 0 ? { parts: system } : undefined, contents };
}

class ContentWalk {
  readonly system: JsonObject[] = [];
  readonly contents: GeminiContent[] = [];
  readonly #target: Target<GeminiQuirks>;
  #open: SentCall[] = [];
  /** System messages that came while the results of some calls were still missing. These messages are written after the results. */
  #instructions: JsonObject[] = [];

  constructor(target: Target<GeminiQuirks>) {
    this.#target = target;
  }

  next(message: Message): void {
    if (message.role === "tool" && this.#open.length > 0) this.#answer(message);
    else if (message.role === "system") this.#instruct(message.content);
    else {
      this.closeCalls();
      if (message.role === "assistant") this.#said(message);
      else this.#user(message.content);
    }
  }

  /** Adds exactly one response for each call, in order: Gemini refuses any other number. */
  closeCalls(): void {
    if (this.#open.length === 0) return;
    const results = this.#open.map((open) => resultParts(open, this.#target.quirks));
    this.#open = [];
    const parts = [...results.map(({ response }) => response), ...results.flatMap(({ beside }) => beside)];
    this.contents.push({ role: "user", parts });
    if (this.#instructions.length > 0) this.contents.push({ role: "user", parts: this.#instructions });
    this.#instructions = [];
  }

  #instruct(text: string): void {
    if (this.contents.length === 0) this.system.push({ text: text || empty.text });
    else if (text.trim() !== "") this.#instructions.push({ text: instructionText(text) });
    if (this.#open.length > 0 || this.#instructions.length === 0) return;
    this.contents.push({ role: "user", parts: this.#instructions });
    this.#instructions = [];
  }

  #user(content: Result["content"]): void {
    const parts = content.map((part) => geminiPart(part, this.#target.quirks)).filter(({ text }) => text !== "");
    this.contents.push({ role: "user", parts: parts.length > 0 ? parts : [empty] });
  }

  #said(message: AssistantMessage): void {
    const { quirks } = this.#target;
    const kept = this.#target.kept(message);
    const parts = kept ? keptParts(message, kept, quirks) : plainParts(message);
    if (parts.length === 0) return;
    if (quirks.checksSignatures) signFirstCall(parts);
    const last = this.contents.at(-1);
    if (last === undefined) this.contents.push(beginning);
    if (last?.role === "model") addAll(last.parts, parts);
    else this.contents.push({ role: "model", parts });
    const ids = quirks.sendsIds ? nativeIds(kept) : [];
    this.#open = message.toolCalls.map((call, position) => ({ call, id: ids[position] }));
  }

  /** Assigns a result to its call by id. If no id matches, as in the histories of some callers, assigns results in order. */
  #answer(result: Result): void {
    const waiting = this.#open.filter((open) => !open.result);
    const open = waiting.find(({ call }) => call.id === result.toolCallId) ?? waiting[0];
    if (open) open.result = result;
    else {
      this.closeCalls();
      this.#user(result.content);
    }
  }
}

function plainParts({ content, toolCalls }: AssistantMessage): JsonObject[] {
  return [...(content === "" ? [] : [{ text: content }]), ...toolCalls.map((call) => callPart(call))];
}

/** Returns the kept parts exactly as the provider sent them. Parts are never merged, moved or left out, even if their text is empty. */
function keptParts(
  { content, toolCalls }: AssistantMessage,
  kept: readonly KeptPart[],
  { sendsIds }: GeminiQuirks,
): JsonObject[] {
  let said = 0;
  return kept.flatMap((part): JsonObject[] => {
    if ("opaque" in part) return [part.opaque];
    if ("text" in part) {
      const text = content.slice(said, said + part.text);
      said += part.text;
      return [{ text, ...part.extra }];
    }
    const call = toolCalls[part.call];
    return call ? [callPart(call, part.extra, sendsIds)] : [];
  });
}

function callPart({ name, arguments: text }: ToolCall, extra?: JsonObject, sendsIds = true): JsonObject {
  const call = { name: geminiName(name), args: wireInput(text) };
  if (!extra) return { functionCall: call };
  const { id, ...rest } = asObject(extra.functionCall) ?? {};
  const named = sendsIds && id !== undefined ? { id } : {};
  return { ...extra, functionCall: { ...named, ...rest, ...call } };
}

function nativeIds(kept: readonly KeptPart[] = []): (string | undefined)[] {
  return kept.flatMap((part) => ("call" in part ? [asText(asObject(part.extra?.functionCall)?.id)] : []));
}

/**
 * Gives the first call of an answer the placeholder signature if it has no signature. Gemini checks signatures only in the current turn.
 * Calls of earlier turns keep the placeholder, so that their bytes are the same as in the previous request.
 */
function signFirstCall(parts: JsonObject[]): void {
  const first = parts.findIndex(({ functionCall }) => functionCall !== undefined);
  const part = parts[first];
  if (part && part.thoughtSignature === undefined) parts[first] = { ...part, thoughtSignature: noSignature };
}

function resultParts(
  { call, id, result }: SentCall,
  quirks: GeminiQuirks,
): { response: JsonObject; beside: JsonObject[] } {
  const texts: string[] = [];
  const inside: JsonObject[] = [];
  const beside: JsonObject[] = [];
  for (const given of result?.content ?? []) {
    const part = geminiPart(given, quirks);
    if (typeof part.text === "string") texts.push(part.text);
    else if (quirks.resultMedia === "inside" && isPicture(part)) inside.push(part);
    else beside.push(part);
  }
  const note = beside.length > 0 ? `(${beside.length} attachment(s) beside this result)` : "";
  const said = [texts.join("\n"), note].filter(Boolean).join("\n") || noOutput;
  const response = !result ? { error: "the call has no result" } : result.isError ? { error: said } : { output: said };
  const named = id === undefined ? {} : { id };
  const within = inside.length > 0 ? { parts: inside } : {};
  return { response: { functionResponse: { ...named, name: geminiName(call.name), response, ...within } }, beside };
}

function isPicture({ inlineData }: JsonObject): boolean {
  return /^image\//.test(asText(asObject(inlineData)?.mimeType) ?? "");
}

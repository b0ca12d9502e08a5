import { asNumber, asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { Delta, FinishReason, KeptPart, Usage } from "../../../core/messages.js";
import { areTokenCounts } from "../../../core/token-usage.js";
import { GrowingText } from "../shared/growing-text.js";
import { type ProviderError, providerError } from "../shared/provider-error.js";
import { ShownAnswer } from "../shared/shown-answer.js";
import { firstOccurrence, type WrittenCall, withUniqueIds } from "../shared/tool-ids.js";
import type { AnswerEnd, AnswerFold, FoldOptions, WireAnswer } from "../wire.js";
import { toolNameOf } from "./gemini-names.js";
import { geminiFailure } from "./refused-request.js";

/** Finish reasons that are not failures. Any other reason counts as `unknown`. */
const finishReasons: readonly (readonly [RegExp, FinishReason])[] = [
  [/^STOP$/, "stop"],
  [/^MAX_TOKENS$/, "length"],
  [/^(SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|LANGUAGE|IMAGE_\w+)$/, "content_filter"],
];

/** Keys of parts that are not text. */
const data = ["functionCall", "functionResponse", "inlineData", "fileData", "executableCode", "codeExecutionResult"];

/** Collects responses into an answer. In a stream, each response holds a few parts. Parts are only appended, and a call arrives whole. */
export class GeminiFold implements AnswerFold {
  readonly #shown: ShownAnswer;
  readonly #tools: NonNullable<FoldOptions["tools"]>;
  readonly #text = new GrowingText();
  readonly #reasoning = new GrowingText();
  readonly #calls: WrittenCall[] = [];
  readonly #isFirst = firstOccurrence();
  readonly #parts: KeptPart[] = [];
  /** True once the answer holds more than thoughts. */
  #hasAnswer = false;
  #usage: Usage | undefined;
  #reason: FinishReason = "unknown";
  #failure: ProviderError | undefined;
  #end: AnswerEnd = "open";

  constructor(options: FoldOptions) {
    this.#shown = new ShownAnswer(options);
    this.#tools = options.tools ?? [];
  }

  get progress(): number {
    return this.#shown.progress;
  }

  get length(): number {
    return this.#shown.length;
  }

  get end(): AnswerEnd {
    return this.#end;
  }

  get failure(): ProviderError | undefined {
    return this.#failure;
  }

  /**
   * Takes an event. Returns true if the event held only text. Such an event may also hold token counts. A later event counts as equal to it
   * only if the counts are the same too.
   */
  push(message: JsonObject): boolean {
    this.#usage = usageOf(message.usageMetadata) ?? this.#usage;
    const candidate = asObjects(message.candidates)[0];
    const parts = asObjects(asObject(candidate?.content)?.parts);
    for (const part of parts) this.#pushPart(part);
    const reason = asText(candidate?.finishReason);
    if (reason) this.#finishes(reason, asText(candidate?.finishMessage));
    else if (!candidate && asText(asObject(message.promptFeedback)?.blockReason)) this.#ends("content_filter");
    return parts.length === 1 && Object.keys(parts[0] ?? {}).join() === "text" && !reason;
  }

  pushText(text: string): void {
    this.#pushText({ text });
  }

  /**
   * Takes a whole body. The answer is complete only if there is a finish reason: the body may be only the first item of a list of
   * responses.
   */
  pushWhole(body: JsonObject): void {
    this.push(body);
    this.pushDone();
  }

  pushDone(): void {
    if (this.#end !== "open") this.#end = "over";
  }

  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer {
    const toolCalls = withUniqueIds(this.#calls, newId, isTaken);
    const reasoning = this.#reasoning.toString();
    const isKept = this.#parts.some((part) => "opaque" in part || part.extra !== undefined);
    const hasCalls = toolCalls.length > 0 && (this.#reason === "stop" || this.#reason === "unknown");
    return {
      message: { role: "assistant", content: this.#text.toString(), ...(reasoning ? { reasoning } : {}), toolCalls },
      finishReason: hasCalls ? "tool_calls" : this.#reason,
      ...(this.#usage ? { usage: this.#usage } : {}),
      ...(isKept ? { parts: this.#parts } : {}),
    };
  }

  #pushPart(part: JsonObject): void {
    const call = asObject(part.functionCall);
    if (part.thought === true) this.#pushThought(part);
    else if (call) this.#pushCall(call, part);
    else if (data.some((key) => part[key] !== undefined)) this.#pushOpaque(part);
    else this.#pushText(part);
  }

  /** Shows a thought. Keeps it only if it is signed, because a mere summary is not sent back. */
  #pushThought(part: JsonObject): void {
    if (part.thoughtSignature !== undefined) {
      this.#parts.push({ opaque: part });
      this.#shown.measure(part.thoughtSignature);
    }
    this.#show("reasoning_delta", asText(part.text));
  }

  #pushCall({ name, args, ...native }: JsonObject, { functionCall: _, ...extra }: JsonObject): void {
    const call = {
      id: asText(native.id),
      name: toolNameOf(asText(name) ?? "", this.#tools),
      arguments: JSON.stringify(asObject(args) ?? {}),
    };
    if (!this.#isFirst(call)) return;
    this.#hasAnswer = true;
    const position = this.#calls.length;
    this.#calls.push(call);
    if (Object.keys(native).length > 0) extra.functionCall = native;
    this.#parts.push(Object.keys(extra).length > 0 ? { call: position, extra } : { call: position });
    this.#shown.take([args, extra]);
  }

  #pushOpaque(part: JsonObject): void {
    this.#hasAnswer = true;
    this.#parts.push({ opaque: part });
    this.#shown.take(part);
  }

  /** Appends a piece of text to the previous text part. A signed piece stays a separate part, even if its text is empty. */
  #pushText({ text: given, ...extra }: JsonObject): void {
    const text = asText(given) ?? "";
    this.#hasAnswer ||= text !== "";
    const last = this.#parts.at(-1);
    if (Object.keys(extra).length > 0) this.#parts.push({ text: text.length, extra });
    else if (last && "text" in last && !last.extra) last.text += text.length;
    else if (text !== "") this.#parts.push({ text: text.length });
    this.#show("text_delta", text);
  }

  /** Handles the finish reason. The usage must have been read before, because a failed answer is billed too. */
  #finishes(reason: string, words: string | undefined): void {
    this.#failure = geminiFailure(reason, words);
    if (this.#failure) return;
    const known = finishReasons.find(([words]) => words.test(reason))?.[1] ?? "unknown";
    // Gemini sometimes sends an empty answer. If the request is repeated, Gemini sends a full answer.
    if (known === "stop" && !this.#hasAnswer) {
      this.#failure = { ...providerError("the answer was empty"), kind: "empty_stream", isRetriedOnce: true };
    } else this.#ends(known);
  }

  #ends(reason: FinishReason): void {
    this.#reason = reason;
    this.#end = "trailed";
  }

  #show(type: Delta["type"], delta: string | undefined): void {
    if (!delta) return;
    (type === "text_delta" ? this.#text : this.#reasoning).push(delta);
    this.#shown.show(type, delta);
  }
}

/**
 * Reads token counts. `candidatesTokenCount` does not include thoughts, and Gemini leaves out counts of 0. Returns undefined if the input
 * was not counted, or if a count is impossible.
 */
function usageOf(value: unknown): Usage | undefined {
  const usage = asObject(value);
  const prompt = asNumber(usage?.promptTokenCount);
  if (!usage || prompt === undefined) return undefined;
  const thoughts = asNumber(usage.thoughtsTokenCount);
  const cached = asNumber(usage.cachedContentTokenCount);
  const used = asNumber(usage.toolUsePromptTokenCount);
  const written = asNumber(usage.candidatesTokenCount);
  if (!areTokenCounts(prompt, used, written, thoughts, cached)) return undefined;
  return {
    inputTokens: prompt + (used ?? 0),
    outputTokens: (written ?? 0) + (thoughts ?? 0),
    ...(thoughts === undefined ? {} : { reasoningTokens: thoughts }),
    ...(cached === undefined ? {} : { cachedTokens: cached }),
  };
}

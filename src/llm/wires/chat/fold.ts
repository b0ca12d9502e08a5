import { asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { Delta, FinishReason, KeptPart, Usage } from "../../../core/messages.js";
import { GrowingText } from "../shared/growing-text.js";
import { openaiUsage } from "../shared/openai-usage.js";
import { ShownAnswer } from "../shared/shown-answer.js";
import { withUniqueIds } from "../shared/tool-ids.js";
import type { AnswerEnd, AnswerFold, FoldOptions, WireAnswer } from "../wire.js";
import { ReasoningBlocks } from "./reasoning-blocks.js";
import { ThinkTags } from "./think-tags.js";
import { ToolCallAssembly } from "./tool-calls.js";

/** Finish reasons as OpenAI, Anthropic, Gemini, DeepSeek and Zhipu spell them. */
const finishReasons = new Map<string, FinishReason>([
  ...["stop", "end_turn", "endturn", "eos", "stop_sequence"].map((word) => [word, "stop"] as const),
  ...["length", "max_tokens", "model_length", "model_context_window_exceeded"].map((word) => [word, "length"] as const),
  ...["tool_calls", "tool_use", "function_call"].map((word) => [word, "tool_calls"] as const),
  ...["content_filter", "safety", "sensitive", "refusal"].map((word) => [word, "content_filter"] as const),
]);

/**
 * Collects a stream's chunks, or one whole message, into an answer; both give the same answer. Arguments are parsed only at the end:
 * parsing them per chunk would take quadratic time for long answers.
 */
export class ChatFold implements AnswerFold {
  readonly #shown: ShownAnswer;
  readonly #text = new GrowingText();
  readonly #reasoning = new GrowingText();
  readonly #calls: ToolCallAssembly;
  #blocks: ReasoningBlocks | undefined;
  readonly #thinkTags: ThinkTags | undefined;
  #finishReason: string | undefined;
  /**
   * State of the answer. It is `stopped` only until more of the answer arrives: some servers send a stop reason in every chunk, or before
   * the last calls.
   */
  #end: AnswerEnd = "open";
  #usage: Usage | undefined;
  #refused = false;
  #hasDeltas = false;

  constructor(options: FoldOptions, { thinkTags }: { thinkTags: boolean }) {
    this.#shown = new ShownAnswer(options);
    this.#calls = new ToolCallAssembly(options.tools ?? []);
    this.#thinkTags = thinkTags ? new ThinkTags((type, delta) => this.#show(type, delta)) : undefined;
  }

  get progress(): number {
    return this.#shown.progress;
  }

  get length(): number {
    return this.#shown.length + this.#calls.length;
  }

  get end(): AnswerEnd {
    return this.#end;
  }

  push(chunk: JsonObject): boolean {
    const choice = asObjects(chunk.choices)[0];
    const usage = usageIn(chunk, choice);
    this.#usage = usage ?? this.#usage;
    if (!choice) {
      if (this.#end === "stopped" && usage) this.#end = "trailed";
      return false;
    }
    const before = this.progress;
    const delta = asObject(choice.delta);
    const isWord = delta !== undefined && this.#pushDelta(delta);
    const message = asObject(choice.message);
    if (this.progress > before) this.#hasDeltas = true;
    else if (message) this.#pushMessage(message);
    const reason = (asText(choice.finish_reason) ?? asText(choice.finishReason))?.toLowerCase();
    if (!reason || reason === "null") return isWord && !usage && !message;
    this.#finishReason = reason;
    this.#thinkTags?.end();
    if (this.#end === "open") this.#end = "stopped";
    return false;
  }

  /**
   * Takes a body that was not streamed. Such an answer counts as complete even without a finish reason, because some servers leave the
   * reason out.
   */
  pushWhole(body: JsonObject): void {
    this.push(body);
    if (this.progress > 0) this.#end = "over";
  }

  pushUsage(chunk: JsonObject): boolean {
    const usage = usageIn(chunk, asObjects(chunk.choices)[0]);
    this.#usage = usage ?? this.#usage;
    return usage !== undefined;
  }

  pushDone(): void {
    if (this.progress > 0 || this.#end !== "open") this.#end = "over";
  }

  pushText(text: string): void {
    this.#showContent(text);
  }

  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer {
    this.#thinkTags?.end();
    const calls = this.#calls.finish();
    const toolCalls = withUniqueIds(calls, newId, isTaken);
    const reasoning = this.#reasoning.toString();
    const content = this.#text.toString();
    const details = toolCalls.length > 0 ? (this.#blocks?.all ?? []) : [];
    const attached = calls.map((call) => call.attached);
    const isKept = details.length > 0 || attached.some((extra) => extra !== undefined);
    return {
      message: { role: "assistant", content, ...(reasoning ? { reasoning } : {}), toolCalls },
      finishReason: this.#reason(toolCalls.length > 0),
      ...(this.#usage ? { usage: this.#usage } : {}),
      ...(isKept ? { parts: partsOf(details, content, attached) } : {}),
    };
  }

  #pushDelta(delta: JsonObject): boolean {
    const { text, thinking } = contentOf(delta.content);
    const details = delta.reasoning_details ? this.#pushDetails(delta.reasoning_details) : undefined;
    const reasoning = asText(delta.reasoning) ?? asText(delta.reasoning_content) ?? thinking ?? details;
    this.#show("reasoning_delta", reasoning);
    this.#showContent(text);
    const refusal = asText(delta.refusal);
    if (refusal) this.#refused = true;
    this.#show("text_delta", refusal);
    const hasCalls = this.#calls.push(delta.tool_calls);
    if (hasCalls) this.#progressed("");
    return typeof delta.content === "string" && !reasoning && !refusal && !hasCalls;
  }

  /**
   * Takes a whole message. If deltas came before it, the message repeats their content, so only content that the deltas left out is added.
   */
  #pushMessage(message: JsonObject): void {
    const text = contentOf(message.content).text ?? "";
    const said = this.#text.toString();
    const isWhole = text.startsWith(said);
    if (this.progress === 0 || !(this.#hasDeltas || isWhole)) {
      this.#pushDelta(message);
      return;
    }
    const isThought = this.#reasoning.toString() !== "";
    const { reasoning, reasoning_content, reasoning_details, tool_calls } = message;
    this.#pushDelta({
      ...(isThought ? {} : { reasoning, reasoning_content }),
      ...(this.#blocks ? {} : { reasoning_details }),
      content: isWhole ? text.slice(said.length) : "",
      tool_calls: asObjects(tool_calls).slice(this.#calls.count),
    });
  }

  #pushDetails(list: unknown): string | undefined {
    this.#blocks ??= new ReasoningBlocks();
    this.#shown.measure(list);
    return asText(this.#blocks.push(list));
  }

  /** Shows text. Some text is held back until a tag tells whether it is reasoning; that text counts as progress too. */
  #showContent(text: string | undefined): void {
    if (!this.#thinkTags || !text) this.#show("text_delta", text);
    else {
      this.#progressed(text);
      this.#thinkTags.push(text);
    }
  }

  #progressed(piece: string): void {
    this.#shown.take(piece);
    this.#end = "open";
  }

  #show(type: Delta["type"], delta: string | undefined): void {
    if (!delta) return;
    this.#end = "open";
    (type === "text_delta" ? this.#text : this.#reasoning).push(delta);
    this.#shown.show(type, delta);
  }

  /**
   * Returns the finish reason. Whether the answer has calls counts more than the reason that the server states: many servers state "stop"
   * although the answer has calls, and some state tool calls although the answer has none.
   */
  #reason(hasCalls: boolean): FinishReason {
    if (this.#refused) return "content_filter";
    const reason = finishReasons.get(this.#finishReason ?? "") ?? "unknown";
    if (hasCalls) return reason === "stop" || reason === "unknown" ? "tool_calls" : reason;
    return reason === "tool_calls" ? "stop" : reason;
  }
}

function usageIn(chunk: JsonObject, choice: JsonObject | undefined): Usage | undefined {
  return openaiUsage(chunk.usage) ?? openaiUsage(choice?.usage) ?? openaiUsage(asObject(chunk.x_groq)?.usage);
}

/** Returns the parts in a fixed order, because Chat Completions gives none: reasoning, then text, then calls. */
function partsOf(details: readonly JsonObject[], content: string, attached: readonly unknown[]): KeptPart[] {
  return [
    ...details.map((opaque) => ({ opaque })),
    ...(content === "" ? [] : [{ text: content.length }]),
    ...attached.map((extra, call) => (extra === undefined ? { call } : { call, extra: { extra_content: extra } })),
  ];
}

function contentOf(content: unknown): { text?: string; thinking?: string } {
  if (!Array.isArray(content)) return { text: asText(content) };
  const parts = asObjects(content);
  return { text: joined(parts, "text"), thinking: joined(parts.flatMap(thoughts), "text") };
}

function thoughts({ thinking }: JsonObject): JsonObject[] {
  return asText(thinking) ? [{ text: thinking }] : asObjects(thinking);
}

function joined(parts: readonly JsonObject[], key: string): string {
  return parts.map((part) => asText(part[key]) ?? "").join("");
}

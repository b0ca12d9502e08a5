import { asNumber, asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { FinishReason } from "../../../core/messages.js";
import { ShownAnswer } from "../shared/shown-answer.js";
import { withUniqueIds } from "../shared/tool-ids.js";
import type { AnswerEnd, AnswerFold, FoldOptions, WireAnswer } from "../wire.js";
import { type OpenBlock, openBlock, saidInBlocks } from "./message-blocks.js";
import { mergedUsage, usageOf } from "./messages-usage.js";

const finishReasons = new Map<string, FinishReason>([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["tool_use", "tool_calls"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["refusal", "content_filter"],
  // A paused answer that is not continued is treated as cut off.
  ["pause_turn", "length"],
  ["compaction", "length"],
]);

/** Stop reasons that mean a pause: the provider continues the answer if it is sent back unchanged. */
const pauses = new Set(["pause_turn", "compaction"]);

export class MessagesFold implements AnswerFold {
  readonly #shown: ShownAnswer;
  readonly #blocks: OpenBlock[] = [];
  readonly #byIndex = new Map<number, OpenBlock>();
  /** The types of the blocks that hold text. */
  readonly #withText = new Set<unknown>();
  #usage: JsonObject | undefined;
  #stopReason: string | undefined;
  #explanation: string | undefined;
  #end: AnswerEnd = "open";
  /** The block that the last delta belongs to. `pushText` adds to this block. */
  #deltaBlock: OpenBlock | undefined;

  constructor(options: FoldOptions) {
    this.#shown = new ShownAnswer(options);
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

  push(event: JsonObject): boolean {
    switch (event.type) {
      case "message_start":
        this.#usage = mergedUsage(this.#usage, asObject(event.message)?.usage);
        break;
      case "content_block_start":
        this.#begin(asObject(event.content_block) ?? {}, asNumber(event.index));
        break;
      case "content_block_delta":
        return this.#add(asObject(event.delta) ?? {}, asNumber(event.index));
      case "message_delta":
        this.#usage = mergedUsage(this.#usage, event.usage);
        this.#stop(asObject(event.delta) ?? {});
        break;
      case "message_stop":
        if (this.progress > 0 || this.#stopReason) this.#end = "over";
        break;
      // Some servers send a whole message although a stream was requested.
      case "message":
        this.pushWhole(event);
        break;
      default: // `ping`, `content_block_stop` and unknown events are ignored
    }
    return false;
  }

  pushText(text: string): void {
    this.#deltaBlock?.text.push(text);
    this.#shown.show("text_delta", text);
  }

  pushWhole(body: JsonObject): void {
    if (!Array.isArray(body.content)) return;
    for (const block of asObjects(body.content)) this.#begin(block, undefined);
    this.#usage = mergedUsage(this.#usage, body.usage);
    this.#stop(body);
    if (this.progress > 0 || this.#stopReason) this.#end = "over";
  }

  pushDone(): void {
    if (this.#end !== "open") this.#end = "over";
  }

  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer {
    const { content, calls, parts } = saidInBlocks(this.#blocks);
    const toolCalls = withUniqueIds(calls, newId, isTaken);
    const said = content || (this.#stopReason === "refusal" ? (this.#explanation ?? "") : "");
    const reasoning = thoughtsIn(this.#blocks);
    const finishReason = this.#reason(toolCalls.length > 0);
    const usage = usageOf(this.#usage);
    return {
      message: {
        role: "assistant",
        content: said,
        ...(reasoning ? { reasoning } : {}),
        toolCalls,
      },
      finishReason,
      ...(usage ? { usage } : {}),
      ...(parts && !this.#isCutInThought ? { parts } : {}),
      ...(this.#isPaused && toolCalls.length === 0 ? { isPaused: true } : {}),
    };
  }

  #begin(native: JsonObject, index: number | undefined): void {
    const block = openBlock(native);
    const isThought = native.type === "thinking";
    if (isThought && this.#withText.has("thinking")) this.#shown.show("reasoning_delta", separator);
    this.#blocks.push(block);
    if (index !== undefined) this.#byIndex.set(index, block);
    if (block.text.toString() !== "") this.#withText.add(native.type);
    if (native.type === "text" || isThought)
      this.#shown.show(isThought ? "reasoning_delta" : "text_delta", block.text.toString());
    else this.#shown.take(native);
  }

  /** Adds a delta. Returns true if the delta holds only text of the answer. */
  #add(delta: JsonObject, index: number | undefined): boolean {
    const block = (index === undefined ? undefined : this.#byIndex.get(index)) ?? this.#blocks.at(-1);
    if (!block) return false;
    const text = asText(delta.text);
    const thinking = asText(delta.thinking);
    const piece = asText(delta.partial_json);
    if (text ?? thinking) {
      block.text.push(text ?? thinking ?? "");
      this.#withText.add(block.native.type);
    }
    this.#shown.show("text_delta", text);
    this.#shown.show("reasoning_delta", thinking);
    if (piece) {
      block.input.push(piece);
      this.#shown.take(piece);
    }
    if (typeof delta.signature === "string") {
      block.native.signature = delta.signature;
      this.#shown.take(delta.signature);
    }
    if (delta.citation !== undefined) {
      block.citations.push(delta.citation);
      this.#shown.measure(delta.citation);
    }
    this.#deltaBlock = block;
    return Object.keys(delta).every((key) => key === "type" || key === "text");
  }

  #stop({ stop_reason, stop_details }: JsonObject): void {
    const reason = asText(stop_reason);
    if (!reason) return;
    this.#stopReason = reason;
    this.#end = "stopped";
    this.#explanation = asText(asObject(stop_details)?.explanation);
    if (reason === "refusal" && !this.#withText.has("text")) this.#shown.show("text_delta", this.#explanation);
  }

  get #isCutInThought(): boolean {
    return this.#stopReason === "max_tokens" && this.#blocks.at(-1)?.native.type === "thinking";
  }

  get #isPaused(): boolean {
    return pauses.has(this.#stopReason ?? "");
  }

  /** Returns the finish reason. If the answer has calls, a pause, `stop` and an unknown reason all become `tool_calls`. */
  #reason(hasCalls: boolean): FinishReason {
    // The paused answer continues once the results of its calls are sent.
    if (hasCalls && this.#isPaused) return "tool_calls";
    const reason = finishReasons.get(this.#stopReason ?? "") ?? "unknown";
    if (hasCalls) return reason === "stop" || reason === "unknown" ? "tool_calls" : reason;
    return reason === "tool_calls" ? "stop" : reason;
  }
}

const separator = "\n\n";

function thoughtsIn(blocks: readonly OpenBlock[]): string {
  const thoughts = blocks.filter(({ native }) => native.type === "thinking").map(({ text }) => text.toString());
  return thoughts.filter((thought) => thought !== "").join(separator);
}

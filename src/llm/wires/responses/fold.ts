import { asNumber, asObject, asObjects, asText, type JsonObject } from "../../../core/json.js";
import type { Delta, FinishReason, KeptPart, Usage } from "../../../core/messages.js";
import { GrowingText } from "../shared/growing-text.js";
import { openaiUsage } from "../shared/openai-usage.js";
import { ShownAnswer } from "../shared/shown-answer.js";
import { firstOccurrence, type WrittenCall, withUniqueIds } from "../shared/tool-ids.js";
import type { AnswerEnd, AnswerFold, FoldOptions, WireAnswer } from "../wire.js";
import { keptOf, lineBreak, textIn } from "./kept-items.js";
import { haveOtherIds, type OutputItem, OutputItems } from "./output-items.js";

/** Events that end an answer. `response.failed` and `error` are handled as errors. */
const ends = new Set(["response.completed", "response.incomplete"]);

/**
 * Collects a stream's events, or one whole response, into an answer; both give the same answer. The final event of an item replaces
 * everything received of it before, because only that event is sure to hold all that must be sent back. Text that was not streamed before
 * is shown when that event arrives.
 */
export class ResponsesFold implements AnswerFold {
  readonly #shown: ShownAnswer;
  readonly #items = new OutputItems();
  #wholeCount = 0;
  readonly #reasoning = new GrowingText();
  /** The part that was shown last: one for text, one for reasoning. When a delta belongs to another part, a new paragraph begins. */
  readonly #lastShown: Partial<Record<Delta["type"], string>> = {};
  /** The item and part that the last text delta belonged to. `pushText` adds to it. */
  #lastText: { item: OutputItem; position: number } | undefined;
  #response: JsonObject | undefined;
  #usage: Usage | undefined;

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
    return this.#response ? "over" : "open";
  }

  push(event: JsonObject, name: string | undefined): boolean {
    const type = asText(event.type) ?? name ?? "";
    const response = asObject(event.response);
    if (ends.has(type) && response) this.pushWhole(response);
    else if (type === "response.output_item.added") this.#begin(event);
    else if (type === "response.output_item.done") this.#complete(event);
    else return this.#pushPiece(type, event);
    return false;
  }

  pushText(text: string): void {
    if (this.#lastText) this.#show("text_delta", this.#lastText.item, this.#lastText.position, text);
  }

  /**
   * Takes a whole response. Its items are read only if it has more than have ended so far, because some streams end with a response without
   * items.
   */
  pushWhole(response: JsonObject): void {
    const output = asObjects(response.output);
    const streamed = this.#items.all.length;
    if (output.length > this.#wholeCount)
      for (const [outputIndex, item] of output.entries()) this.#complete({ output_index: outputIndex, item }, streamed);
    this.#usage = openaiUsage(response.usage);
    const { status } = response;
    if (status !== "in_progress" && status !== "queued") this.#response = response;
  }

  pushUsage(message: JsonObject): boolean {
    const usage = openaiUsage((asObject(message.response) ?? message).usage);
    this.#usage = usage ?? this.#usage;
    return usage !== undefined;
  }

  /** Does nothing: an answer is complete only when its final event has arrived. */
  pushDone(): void {}

  finish(newId: () => string, isTaken: (id: string) => boolean): WireAnswer {
    const items = this.#items.all.toSorted((a, b) => a.index - b.index);
    const isFirst = firstOccurrence();
    const natives = items
      .map((item) => (item.isWhole ? item.native : asWhole(item)))
      .filter((item) => item.type !== "function_call" || isFirst(callIn(item)));
    const { content, parts } = keptOf(natives);
    const calls = natives.filter(({ type }) => type === "function_call").map(callIn);
    const toolCalls = withUniqueIds(calls, newId, isTaken);
    const reasoning = this.#reasoning.toString();
    // Parts are kept only if every item has ended, and an incomplete answer only if it ends with a message: reasoning or a call that was cut off
    // must not be sent back.
    const isKept = items.every(({ isWhole }) => isWhole) && (!this.#isIncomplete || natives.at(-1)?.type === "message");
    return {
      message: { role: "assistant", content, ...(reasoning ? { reasoning } : {}), toolCalls },
      finishReason: this.#reason(natives),
      ...(this.#usage ? { usage: this.#usage } : {}),
      ...(isKept && parts ? { parts } : {}),
    };
  }

  /** Returns the texts that had arrived, each with its `phase`. Without its phase, a text would look like a final answer. */
  brokenParts(): readonly KeptPart[] | undefined {
    const said = this.#items.all.filter(({ native, pieces }) => native.type === "message" && pieces.toString() !== "");
    const whole = said
      .toSorted((a, b) => a.index - b.index)
      .map((item) => (item.isWhole ? item.native : asWhole(item)));
    return keptOf(whole.map(({ type, phase, content }) => ({ type, ...(phase ? { phase } : {}), content }))).parts;
  }

  get #isIncomplete(): boolean {
    return this.#response?.status === "incomplete" || asObject(this.#response?.incomplete_details) !== undefined;
  }

  /** Returns the finish reason. The API states one only for incomplete answers; for others, it is derived from the items. */
  #reason(items: readonly JsonObject[]): FinishReason {
    const parts = items.flatMap((item) => (item.type === "message" ? asObjects(item.content) : []));
    if (parts.some((part) => part.type === "refusal")) return "content_filter";
    if (this.#isIncomplete) {
      const why = asText(asObject(this.#response?.incomplete_details)?.reason) ?? "";
      return /token|length|context/.test(why) ? "length" : /filter|safety/.test(why) ? "content_filter" : "unknown";
    }
    return items.some((item) => item.type === "function_call") ? "tool_calls" : "stop";
  }

  #begin(event: JsonObject): void {
    const native = asItem(event.item);
    if (!native) return;
    // Text and reasoning are merely announced here. They count as progress only when their first piece arrives.
    if (native.type !== "message" && native.type !== "reasoning") this.#shown.take(native);
    const known = this.#items.find(event, native);
    const isOther = known && (known.isWhole || native.type === "function_call") && haveOtherIds(known.native, native);
    if (!known || isOther) this.#items.add(native, event);
    else if (!known.isWhole) known.native = native;
  }

  /**
   * Takes a whole item of the stream, or of the final response after `streamed` items. An item whose ids differ from the known one is a new item only
   * if it is streamed after the known one has ended. Otherwise it is the same item: vLLM gives a call other ids at its end, and again in the final
   * response.
   */
  #complete(event: JsonObject, streamed?: number): void {
    const native = asItem(event.item);
    if (!native) return;
    const known = this.#items.findCompleted(event, native, streamed);
    const isOther = known?.isWhole && streamed === undefined && haveOtherIds(known.native, native);
    const item = known && !isOther ? known : this.#items.add(native, event);
    if (item.isWhole) return;
    item.native = native;
    item.isWhole = true;
    this.#wholeCount += 1;
    this.#showRest(item);
    this.#shown.take(native, item.pieces.toString().length);
  }

  /** Adds a piece. Returns true if the piece holds only text of the answer. */
  #pushPiece(type: string, event: JsonObject): boolean {
    const piece = pieces.get(type);
    if (!piece) return false;
    const { of, kind } = piece;
    const open =
      [this.#items.find(event, { type: of }), this.#items.all.at(-1)].find((item) => item?.native.type === of) ??
      this.#items.add({ type: of, id: event.item_id }, event);
    const delta = asText(event.delta) ?? restOf(asText(event.arguments), open.pieces);
    if (open.isWhole || delta === undefined) return false;
    if (kind === "arguments") {
      this.#shown.take(delta);
      open.pieces.push(delta);
    } else if (kind === "text") {
      this.#lastText = { item: open, position: asNumber(event.content_index) ?? 0 };
      this.pushText(delta);
      return event.arguments === undefined;
    } else if ((open.thinks ?? kind) === kind) {
      open.thinks = kind;
      this.#show("reasoning_delta", open, asNumber(event.summary_index) ?? asNumber(event.content_index) ?? 0, delta);
    }
    return false;
  }

  /**
   * Shows what the whole item has beyond the pieces that were streamed. Shows nothing if the item does not begin with these pieces, since they could not be
   * taken back.
   */
  #showRest(item: OutputItem): void {
    const { native, thinks } = item;
    const said = item.pieces.toString();
    if (native.type !== "message" && native.type !== "reasoning") return;
    const summary = asObjects(native.summary);
    const isSummary = thinks ? thinks === "summary" : summary.length > 0;
    const texts = (native.type === "reasoning" && isSummary ? summary : asObjects(native.content)).map(
      (part) => textIn(part).text,
    );
    if (!texts.join("").startsWith(said)) return;
    let skipped = said.length;
    for (const [position, text] of texts.entries()) {
      const rest = text.slice(skipped);
      skipped = Math.max(0, skipped - text.length);
      if (rest) this.#show(native.type === "message" ? "text_delta" : "reasoning_delta", item, position, rest);
    }
  }

  #show(type: Delta["type"], item: OutputItem, position: number, delta: string): void {
    item.pieces.push(delta);
    const part = `${item.position}/${position}`;
    const isNext = this.#lastShown[type] !== undefined && this.#lastShown[type] !== part;
    this.#lastShown[type] = part;
    const text = isNext ? lineBreak + delta : delta;
    if (type === "reasoning_delta") this.#reasoning.push(text);
    this.#shown.show(type, text);
  }
}

const pieces = new Map<string, { of: string; kind: "text" | "arguments" | "summary" | "content" }>([
  ["response.output_text.delta", { of: "message", kind: "text" }],
  ["response.refusal.delta", { of: "message", kind: "text" }],
  ["response.function_call_arguments.delta", { of: "function_call", kind: "arguments" }],
  ["response.function_call_arguments.done", { of: "function_call", kind: "arguments" }],
  ["response.reasoning_summary_text.delta", { of: "reasoning", kind: "summary" }],
  ["response.reasoning_text.delta", { of: "reasoning", kind: "content" }],
]);

/** Returns the end of `whole` that the pieces lack. Undefined if `whole` does not begin with the pieces, or if nothing is missing. */
function restOf(whole: string | undefined, pieces: GrowingText): string | undefined {
  const said = pieces.toString();
  return whole?.startsWith(said) ? asText(whole.slice(said.length)) : undefined;
}

function asItem(value: unknown): JsonObject | undefined {
  const item = asObject(value);
  return asText(item?.type) === undefined ? undefined : item;
}

function asWhole({ native, pieces }: OutputItem): JsonObject {
  const text = pieces.toString();
  if (native.type === "function_call") return { ...native, arguments: asText(native.arguments) ?? text };
  if (native.type === "message") return { ...native, content: [{ type: "output_text", annotations: [], text }] };
  return native;
}

/** Returns the call in the item. Empty arguments, which some servers send for a tool without parameters, become `{}`. */
function callIn({ call_id, id, name, arguments: written }: JsonObject): WrittenCall {
  const text = typeof written === "object" && written !== null ? JSON.stringify(written) : (asText(written) ?? "");
  const words = text.trim() === "" ? "{}" : text;
  return { id: asText(call_id) ?? asText(id), name: asText(name) ?? "", arguments: words };
}

/** Converts deltas to events of Anthropic's streaming Messages API. https://docs.claude.com/en/api/messages-streaming */
import type { AssistantMessageEvent } from "../../core/events.js";
import type { Delta } from "../../core/messages.js";
import { anthropicStopReason, anthropicUsage } from "./anthropic-usage.js";

type PartialEvent = { type: string } & Record<string, unknown>;
type BlockKind = "text" | "thinking";

const kinds = { text_delta: "text", reasoning_delta: "thinking" } as const;

/** An answer of the model as events, from `message_start` to `message_stop`. A discarded answer has no `message_stop`. */
export class PartialMessage {
  readonly #id: string;
  readonly #model: string;
  #isStarted = false;
  #index = -1;
  #open: BlockKind | undefined;
  readonly #shown = new Set<BlockKind>();

  constructor(id: string, model: string) {
    this.#id = id;
    this.#model = model;
  }

  delta({ type, delta }: Delta): PartialEvent[] {
    return [...this.#start(), ...this.#piece(kinds[type], delta)];
  }

  /** Returns the last events of the answer: the parts that were not sent as deltas, then the end of the message. */
  end({ message, finishReason, usage, interrupted }: AssistantMessageEvent): PartialEvent[] {
    const { reasoning, content, toolCalls } = message;
    const rest = [
      ...this.#start(),
      ...(reasoning && !this.#shown.has("thinking") ? this.#piece("thinking", reasoning) : []),
      ...(content && !this.#shown.has("text") ? this.#piece("text", content) : []),
      ...this.#close(),
    ];
    for (const { id, name, arguments: text } of toolCalls) {
      const index = ++this.#index;
      const delta = { type: "input_json_delta", partial_json: text };
      rest.push(
        { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
        { type: "content_block_delta", index, delta },
        { type: "content_block_stop", index },
      );
    }
    const stop_reason = interrupted ? null : anthropicStopReason(finishReason);
    return [
      ...rest,
      { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: anthropicUsage(usage) },
      { type: "message_stop" },
    ];
  }

  #start(): PartialEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const message = {
      id: this.#id,
      type: "message",
      role: "assistant",
      model: this.#model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: anthropicUsage(undefined),
    };
    return [{ type: "message_start", message }];
  }

  #piece(kind: BlockKind, text: string): PartialEvent[] {
    const before = this.#open === kind ? [] : [...this.#close(), this.#begin(kind)];
    const delta = kind === "text" ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text };
    return [...before, { type: "content_block_delta", index: this.#index, delta }];
  }

  #begin(kind: BlockKind): PartialEvent {
    this.#open = kind;
    this.#shown.add(kind);
    const block = kind === "text" ? { type: kind, text: "" } : { type: kind, thinking: "", signature: "" };
    return { type: "content_block_start", index: ++this.#index, content_block: block };
  }

  #close(): PartialEvent[] {
    if (!this.#open) return [];
    this.#open = undefined;
    return [{ type: "content_block_stop", index: this.#index }];
  }
}

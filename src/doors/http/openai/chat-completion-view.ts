import type { StopReason, StoredEvent, TurnEvent } from "../../../core/events.js";
import { addAll } from "../../../core/lists/long-lists.js";
import type { FinishReason, ToolCall } from "../../../core/messages.js";
import { summarizeTurn } from "../../../session/shared/summary.js";
import { errorBody } from "../shared/api-errors.js";
import type { ApiFailureInfo } from "../shared/failure.js";
import { type ApiTurnView, callsForCaller, type StreamedEvent, type ViewFacts } from "../turns/show-turn.js";
import { StopSequences } from "../turns/stop-sequences.js";
import { chatUsage, turnUsage } from "../turns/turn-usage.js";

interface ChatCompletionParts extends ViewFacts {
  /** Seconds since the epoch. */
  created: number;
  stopSequences: readonly string[];
  /** True if the last chunk of a stream has the usage. */
  includeUsage: boolean;
  /** Returns the events that a stream has in addition to the chunks. */
  eventsOf: (event: TurnEvent) => StreamedEvent[];
}

const done: StreamedEvent = { data: "[DONE]" };

/** Shows a turn as OpenAI's chat completion: as one document, or as chunks that add up to this document. */
export class ChatCompletionView implements ApiTurnView {
  readonly #facts: ChatCompletionParts;
  readonly #stored: StoredEvent[] = [];
  readonly #stops: StopSequences;
  /** True if text of the current answer has come as deltas. */
  #hasDeltas = false;
  /** True if text of the current answer was sent. */
  #isBegun = false;
  /** True if reasoning of the current answer has come as deltas. */
  #hasReasoning = false;
  hasSentContent = false;

  constructor(facts: ChatCompletionParts) {
    this.#facts = facts;
    this.#stops = new StopSequences(facts.stopSequences);
  }

  start(): StreamedEvent[] {
    return [this.#chunk({ role: "assistant", content: "" })];
  }

  take(event: TurnEvent): StreamedEvent[] {
    return [...this.#chunksOf(event), ...this.#facts.eventsOf(event)];
  }

  /** Returns the chunks for an event. Empty if this API has no field for the event. */
  #chunksOf(event: TurnEvent): StreamedEvent[] {
    if ("seq" in event) this.#stored.push(event);
    if (this.#stops.found !== undefined) return [];
    switch (event.type) {
      case "text_delta":
        this.#hasDeltas = true;
        return this.#write(this.#stops.take(event.delta));
      case "reasoning_delta":
        this.#hasReasoning = true;
        return [this.#chunk({ reasoning_content: event.delta })];
      case "assistant_message": {
        const { content, reasoning } = event.message;
        const chunks = reasoning && !this.#hasReasoning ? [this.#chunk({ reasoning_content: reasoning })] : [];
        if (!this.#hasDeltas) addAll(chunks, this.#write(this.#stops.take(content)));
        addAll(chunks, this.#write(this.#stops.rest()));
        this.#hasDeltas = false;
        this.#isBegun = false;
        this.#hasReasoning = false;
        return chunks;
      }
      case "discard":
        this.#hasDeltas = false;
        this.#stops.rest();
        return [];
      default:
        return [];
    }
  }

  end(): StreamedEvent[] {
    const { finishReason, calls, usage } = this.#result();
    const toolCalls = calls.map((call, index) => ({ index, ...toolCallOf(call) }));
    return [
      ...(calls.length > 0 ? [this.#chunk({ tool_calls: toolCalls })] : []),
      this.#chunk({}, finishReason),
      ...(this.#facts.includeUsage ? [{ data: { ...this.#head("chat.completion.chunk"), choices: [], usage } }] : []),
      done,
    ];
  }

  failureEvents(failure: ApiFailureInfo): StreamedEvent[] {
    return [{ data: errorBody(failure) }, done];
  }

  failureAnswer(failure: ApiFailureInfo): { status: number; body: object } {
    return { status: failure.status, body: errorBody(failure) };
  }

  whole(): object {
    const { finishReason, calls, usage, text } = this.#result();
    const message = {
      role: "assistant",
      content: text || (calls.length > 0 ? null : ""),
      refusal: null,
      ...(calls.length > 0 ? { tool_calls: calls.map(toolCallOf) } : {}),
    };
    const choice = { index: 0, message, logprobs: null, finish_reason: finishReason };
    return { ...this.#head("chat.completion"), choices: [choice], usage };
  }

  /** Adds text of an answer. A blank line separates the answers of a turn, like paragraphs. */
  #write(text: string): StreamedEvent[] {
    if (text === "") return [];
    const gap = this.hasSentContent && !this.#isBegun ? "\n\n" : "";
    this.#isBegun = true;
    this.hasSentContent = true;
    return [this.#chunk({ content: gap + text })];
  }

  #result() {
    const { text: logged, stopReason } = summarizeTurn(this.#stored);
    // The log keeps the sequence at the end of the text.
    const { found = "" } = this.#stops;
    const text = logged.endsWith(found) ? logged.slice(0, logged.length - found.length) : logged;
    const usage = turnUsage(this.#stored, chatUsage);
    const calls = callsForCaller(this.#stored, this.#facts);
    // If the answer was cut off, its calls may be incomplete. Then the finish reason is not `tool_calls`.
    const isCalling = calls.length > 0 && stopReason === "end_turn";
    return { text, usage, calls, finishReason: isCalling ? "tool_calls" : finishReasonOf(stopReason) };
  }

  #chunk(delta: object, finishReason: string | null = null): StreamedEvent {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return { data: { ...this.#head("chat.completion.chunk"), choices } };
  }

  #head(object: string): object {
    const { turnKey, created, model } = this.#facts;
    return { id: `chatcmpl-${turnKey.turnId}`, object, created, model, system_fingerprint: null };
  }
}

function toolCallOf({ id, name, arguments: text }: ToolCall) {
  return { id, type: "function", function: { name, arguments: text } };
}

function finishReasonOf(stopReason: StopReason | undefined): string {
  const reasons: Partial<Record<StopReason, FinishReason>> = {
    max_tokens: "length",
    budget: "length",
    refusal: "content_filter",
  };
  return (stopReason && reasons[stopReason]) ?? "stop";
}

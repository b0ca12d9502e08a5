import type {
  AssistantMessageEvent,
  ContentPart,
  ErrorInfo,
  Question,
  StoredEvent,
  TurnEvent,
  Usage,
} from "../core/chat.js";
import { textOf } from "../core/chat.js";
import { summarizeTurn } from "../session/summary.js";

/** What a client receives, design "One message protocol, two wires". One JSON object a line or frame. */
export type WireMessage = { request_id: string | null; seq?: number } & (
  | { status: "processing"; chunk: { metadata: Record<string, unknown> } }
  | { status: "chunk" | "complete"; chunk: WireChunk }
  | { status: "error"; chunk: WireError }
);

interface WireChunk {
  type: string;
  data: unknown;
  metadata?: Record<string, unknown>;
}

interface WireError {
  error: string;
  kind: string;
  retryable: boolean;
  hint: string;
  /** Set when a message other than `chat` was refused: the turn of that request id, if there is one, goes on. */
  action?: string;
}

export interface EncodedTurn {
  requestId: string;
  conversationId: string;
  turnId?: string;
  /** The answer was paid for by an earlier message. */
  cached: boolean;
  model: { provider: string; model: string };
}

/** One turn as wire messages: `start` once, then every event; `turn_end` and `turn_error` give the last message. */
export class TurnEncoder {
  readonly #turn: EncodedTurn;
  readonly #stored: StoredEvent[] = [];
  /** What of the next assistant message was already sent as deltas. */
  #shown = { text: false, reasoning: false };

  constructor(turn: EncodedTurn) {
    this.#turn = turn;
  }

  start(): WireMessage {
    const { requestId, conversationId, model } = this.#turn;
    const metadata = { conversation_id: conversationId, provider_info: model };
    return { request_id: requestId, status: "processing", chunk: { metadata } };
  }

  encode(event: TurnEvent): WireMessage[] {
    const { requestId } = this.#turn;
    if (!("seq" in event)) {
      return this.#liveChunks(event).map((chunk) => ({ request_id: requestId, status: "chunk", chunk }));
    }
    this.#stored.push(event);
    if (event.type === "turn_end") return [this.#complete(event.seq)];
    if (event.type === "turn_error") return [{ seq: event.seq, ...errorMessage(requestId, event.error) }];
    const chunks = storedChunks(event, this.#shown);
    if (event.type === "assistant_message") this.#shown = { text: false, reasoning: false };
    return chunks.map((chunk) => ({ request_id: requestId, seq: event.seq, status: "chunk", chunk }));
  }

  #liveChunks(event: Exclude<TurnEvent, StoredEvent>): WireChunk[] {
    switch (event.type) {
      case "text_delta":
        this.#shown.text = true;
        return [{ type: "text", data: event.delta }];
      case "reasoning_delta":
        this.#shown.reasoning = true;
        return [{ type: "reasoning", data: event.delta }];
      case "discard":
        this.#shown = { text: false, reasoning: false };
        return [{ type: "discard", data: { reason: event.reason } }];
      case "tool_progress": {
        const { callId, progress, total, message } = event;
        return [{ type: "tool_progress", data: { id: callId, progress, total, message } }];
      }
      case "server_status":
        return [];
    }
  }

  #complete(seq: number): WireMessage {
    const { requestId, conversationId, turnId, cached, model } = this.#turn;
    const summary = summarizeTurn(this.#stored);
    const metadata = {
      stop_reason: summary.stopReason,
      usage: wireUsage(summary.usage),
      model: summary.model ?? model.model,
      provider: summary.provider ?? model.provider,
      cached,
      conversation_id: conversationId,
      turn_id: turnId,
    };
    const chunk = { type: "turn_end", data: summary.text, metadata };
    return { request_id: requestId, seq, status: "complete", chunk };
  }
}

/** Stored events as chunks, each with its `seq`, then `history_end` with the last one. */
export function historyMessages(
  events: readonly StoredEvent[],
  request: { requestId: string | null; conversationId: string; from: number },
): WireMessage[] {
  const { requestId, conversationId, from } = request;
  const messages = events.flatMap((event): WireMessage[] =>
    historyChunks(event).map(({ metadata, ...chunk }) => ({
      request_id: requestId,
      seq: event.seq,
      status: "chunk",
      chunk: { ...chunk, metadata: { ...metadata, turn_id: event.turnId, at: event.at } },
    })),
  );
  const last = events.at(-1)?.seq ?? from - 1;
  const chunk = { type: "history_end", data: last, metadata: { conversation_id: conversationId, last_seq: last } };
  return [...messages, { request_id: requestId, seq: last, status: "complete", chunk }];
}

export function errorMessage(requestId: string | null, error: ErrorInfo, action?: string): WireMessage {
  const { message, kind, retryable, hint } = error;
  return { request_id: requestId, status: "error", chunk: { error: message, kind, retryable, hint, action } };
}

/** Absent counts stay absent; without any count there is no usage. */
export function wireUsage(usage: Usage | undefined): Record<string, number | undefined> | null {
  if (!usage) return null;
  const { inputTokens, outputTokens, reasoningTokens, cachedTokens } = usage;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    reasoning_tokens: reasoningTokens,
    cached_tokens: cachedTokens,
  };
}

/** What a turn's stored events say to whoever follows it live. */
function storedChunks(event: StoredEvent, shown: { text: boolean; reasoning: boolean }): WireChunk[] {
  switch (event.type) {
    case "assistant_message":
      return assistantChunks(event, shown);
    case "tool_call": {
      const { id, name, arguments: text } = event.call;
      return [{ type: "tool_call", data: { id, name, arguments: text } }];
    }
    case "tool_result": {
      const { callId, name, isError, content } = event;
      return [{ type: "tool_result", data: { id: callId, name, is_error: isError, content: content.map(wirePart) } }];
    }
    case "question":
      return [{ type: "question", data: { question_id: event.questionId, ...wireQuestion(event.question) } }];
    default:
      return [];
  }
}

function wireQuestion(question: Question): object {
  switch (question.kind) {
    case "approval": {
      const { kind, tool, server, call, reason } = question;
      return { kind, tool, server, arguments: call.arguments, reason };
    }
    case "sampling": {
      const { kind, server, prompt, maxTokens } = question;
      return { kind, server, prompt, max_tokens: maxTokens };
    }
    case "elicitation":
      return question;
  }
}

function assistantChunks(event: AssistantMessageEvent, shown: { text: boolean; reasoning: boolean }): WireChunk[] {
  const { message, usage, provider, model, finishReason, attempts, interrupted } = event;
  const chunks: WireChunk[] = [];
  if (message.reasoning && !shown.reasoning) chunks.push({ type: "reasoning", data: message.reasoning });
  if (message.content && !shown.text) chunks.push({ type: "text", data: message.content });
  const metadata = { provider, model, finish_reason: finishReason, attempts, interrupted };
  return [...chunks, { type: "usage", data: wireUsage(usage), metadata }];
}

/** Beyond what a live turn shows: the rest of the log, so that every `seq` is there. */
function historyChunks(event: StoredEvent): WireChunk[] {
  switch (event.type) {
    case "user_message":
      return [{ type: "user_message", data: textOf(event.content), metadata: { request_id: event.requestId } }];
    case "tool_sent":
      return [{ type: "tool_sent", data: { id: event.callId } }];
    case "answer":
      return [{ type: "answer", data: { question_id: event.questionId, value: event.value } }];
    case "turn_end":
      return [{ type: "turn_end", data: { stop_reason: event.stopReason } }];
    case "turn_error": {
      const { kind, message, retryable, hint } = event.error;
      return [{ type: "turn_error", data: { error: message, kind, retryable, hint } }];
    }
    default:
      return storedChunks(event, { text: false, reasoning: false });
  }
}

function wirePart(part: ContentPart): Record<string, unknown> {
  if (part.type === "text" || !part.mimeType) return { ...part };
  const { mimeType, ...rest } = part;
  return { ...rest, mime_type: mimeType };
}

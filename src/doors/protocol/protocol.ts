import type { ErrorInfo, LiveEvent, StoredEvent, TurnEvent } from "../../core/events.js";
import { summarizeTurn } from "../../session/shared/summary.js";
import { historyChunks, type Shown, storedChunks, type WireChunk, wireUsage } from "./chunks.js";

/** A message to a client on a pipe or a WebSocket: one JSON object per line or frame. */
export type WireMessage = { request_id: string | null; seq?: number } & (
  | { status: "processing"; chunk: { metadata: Record<string, unknown> } }
  | { status: "chunk" | "complete"; chunk: WireChunk }
  | { status: "error"; chunk: WireError }
);

interface WireError {
  error: string;
  kind: string;
  retryable: boolean;
  hint: string;
  /**
   * Action of the failed message. Absent if the message was to start a turn. If `action` is set, the error does not end a turn that has the
   * same request id.
   */
  action?: string;
}

export interface EncodedTurn {
  requestId: string;
  conversationId: string;
  turnId?: string;
  /** True if the answer is read from the log, because an earlier message had the same request id. */
  cached: boolean;
  model: { provider: string; model: string };
}

/**
 * Encodes one turn as messages. Call `start` once, then `encode` for each event. The event `turn_end` or `turn_error` becomes the last
 * message.
 */
export class TurnEncoder {
  readonly #turn: EncodedTurn;
  readonly #stored: StoredEvent[] = [];
  #shown: Shown = { text: false, reasoning: false };

  constructor(turn: EncodedTurn) {
    this.#turn = turn;
  }

  start(): WireMessage {
    const { requestId, conversationId } = this.#turn;
    const { provider, model } = this.#turn.model;
    const metadata = { conversation_id: conversationId, provider_info: { provider, model } };
    return { request_id: requestId, status: "processing", chunk: { metadata } };
  }

  encode(event: TurnEvent): WireMessage[] {
    const { requestId } = this.#turn;
    if (!("seq" in event)) {
      if (event.type === "text_delta") this.#shown.text = true;
      if (event.type === "reasoning_delta") this.#shown.reasoning = true;
      if (event.type === "discard") this.#shown = { text: false, reasoning: false };
      return [{ request_id: requestId, status: "chunk", chunk: liveChunk(event) }];
    }
    this.#stored.push(event);
    if (event.type === "turn_end") return [this.#complete(event.seq)];
    if (event.type === "turn_error") return [{ seq: event.seq, ...errorMessage(requestId, event.error) }];
    const chunks = storedChunks(event, this.#shown);
    if (event.type === "assistant_message") this.#shown = { text: false, reasoning: false };
    return chunks.map((chunk) => ({ request_id: requestId, seq: event.seq, status: "chunk", chunk }));
  }

  #complete(seq: number): WireMessage {
    const { requestId, conversationId, turnId, cached, model } = this.#turn;
    const summary = summarizeTurn(this.#stored);
    const metadata = {
      stop_reason: summary.stopReason,
      usage: wireUsage(summary.usage, summary.costUsd),
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

/**
 * Yields the messages that answer `history`, page by page: the stored events as chunks, each with its `seq`, and then `history_end` with
 * the last `seq`.
 */
export async function* historyMessages(
  pages: AsyncIterable<readonly StoredEvent[]> | Iterable<readonly StoredEvent[]>,
  request: { requestId: string | null; conversationId: string; from: number },
): AsyncGenerator<WireMessage[]> {
  const { requestId, conversationId, from } = request;
  let last = from - 1;
  for await (const events of pages) {
    last = events.at(-1)?.seq ?? last;
    yield events.flatMap((event) => storedMessages(event, requestId));
  }
  const chunk = { type: "history_end", data: last, metadata: { conversation_id: conversationId, last_seq: last } };
  yield [{ request_id: requestId, seq: last, status: "complete", chunk }];
}

/**
 * Converts an event to messages for a client that follows the conversation. A message without `seq` is a preview of an event that is not
 * stored yet.
 */
export function followedMessages(event: TurnEvent, requestId: string | null = null): WireMessage[] {
  if ("seq" in event) return storedMessages(event, requestId);
  return [{ request_id: requestId, status: "chunk", chunk: liveChunk(event) }];
}

function storedMessages(event: StoredEvent, requestId: string | null): WireMessage[] {
  return historyChunks(event).map((chunk) => ({ request_id: requestId, status: "chunk", ...chunk }));
}

function liveChunk(event: LiveEvent): WireChunk {
  switch (event.type) {
    case "text_delta":
      return { type: "text", data: event.delta };
    case "reasoning_delta":
      return { type: "reasoning", data: event.delta };
    case "discard":
      return { type: "discard", data: { reason: event.reason } };
    case "tool_progress": {
      const { callId, progress, total, message } = event;
      return { type: "tool_progress", data: { id: callId, progress, total, message } };
    }
    case "server_status": {
      const { server, state, reason } = event;
      return { type: "server_status", data: { server, state, reason } };
    }
  }
}

export function errorMessage(requestId: string | null, error: ErrorInfo, action?: string): WireMessage {
  const { message, kind, retryable, hint } = error;
  return { request_id: requestId, status: "error", chunk: { error: message, kind, retryable, hint, action } };
}

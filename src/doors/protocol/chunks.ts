import type {
  AssistantMessageEvent,
  ChatEvent,
  CompactionEvent,
  LiveEvent,
  Question,
  StoredEvent,
  TitleEvent,
} from "../../core/events.js";
import { type ContentPart, textOf, type Usage } from "../../core/messages.js";
import { answersBilled, usageSum } from "../../core/token-usage.js";

export interface WireChunk {
  type: string;
  data: unknown;
  metadata?: Record<string, unknown>;
}

/** Types of the chunks of stored events. An answer of the model consists of up to three chunks. */
export type StoredChunkType = "reasoning" | "text" | "usage" | Exclude<ChatEvent["type"], "assistant_message">;
/** Types of all chunks of a turn's messages with `status: "chunk"`. */
export type ChunkType = StoredChunkType | Exclude<LiveEvent["type"], "text_delta" | "reasoning_delta">;

interface EventChunk extends WireChunk {
  type: StoredChunkType;
}

/** Flags for the parts of an assistant message: true if the part was already sent as deltas. */
export interface Shown {
  text: boolean;
  reasoning: boolean;
}

/**
 * Returns usage and cost in the format of the message protocol. Null if `usage` is undefined. Unknown counts and an unknown cost are
 * undefined.
 */
export function wireUsage(usage: Usage | undefined, costUsd?: number): Record<string, number | undefined> | null {
  if (!usage) return null;
  const { inputTokens, outputTokens, reasoningTokens, cachedTokens, cacheWriteTokens, cacheWrite1hTokens } = usage;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    reasoning_tokens: reasoningTokens,
    cached_tokens: cachedTokens,
    cache_write_tokens: cacheWriteTokens,
    cache_write_1h_tokens: cacheWrite1hTokens,
    cost_usd: costUsd,
  };
}

/** True for the events that a client gets while it follows a turn live. `history` has all events. */
const isLive: Readonly<Record<ChatEvent["type"], boolean>> = {
  user_message: false,
  assistant_message: true,
  tool_call: true,
  tool_sent: false,
  tool_result: true,
  question: true,
  answer: false,
  compaction: true,
  trim: true,
  state_lost: false,
  catalogue: false,
  turn_end: false,
  turn_error: false,
  rewind: false,
  fork: false,
  title: false,
};

/** Converts a stored event to chunks for a client that follows the turn live. Some events have no chunks. */
export function storedChunks(event: StoredEvent, shown: Shown): WireChunk[] {
  return isLive[event.type] ? chunksOf(event, shown) : [];
}

function chunksOf(event: StoredEvent, shown: Shown): EventChunk[] {
  switch (event.type) {
    case "user_message": {
      const { requestId, model, content } = event;
      const isOneText = content.length === 1 && content[0]?.type === "text";
      const metadata = {
        request_id: requestId,
        ...(model !== undefined && { model }),
        ...(!isOneText && { content: content.map(wirePart) }),
      };
      return [{ type: "user_message", data: textOf(content), metadata }];
    }
    case "assistant_message":
      return assistantChunks(event, shown);
    case "tool_call": {
      const { id, name, arguments: text } = event.call;
      return [{ type: "tool_call", data: { id, name, arguments: text } }];
    }
    case "tool_sent":
      return [{ type: "tool_sent", data: { id: event.callId } }];
    case "tool_result": {
      const { callId, name, isError, content } = event;
      return [{ type: "tool_result", data: { id: callId, name, is_error: isError, content: content.map(wirePart) } }];
    }
    case "question":
      return [{ type: "question", data: { question_id: event.questionId, ...wireQuestion(event.question) } }];
    case "answer":
      return [{ type: "answer", data: { question_id: event.questionId, value: event.value } }];
    case "compaction": {
      const { summary, upToSeq, provider, model, attempts } = event;
      const metadata = { up_to_seq: upToSeq, usage: usageOfRequest(event), provider, model, attempts };
      return [{ type: "compaction", data: summary, metadata }];
    }
    case "trim":
      return [{ type: "trim", data: { up_to_seq: event.upToSeq } }];
    case "state_lost":
      return [{ type: "state_lost", data: { servers: event.servers } }];
    case "catalogue":
      return [{ type: "catalogue", data: event.note }];
    case "turn_end":
      return [{ type: "turn_end", data: { stop_reason: event.stopReason } }];
    case "turn_error": {
      const { kind, message, retryable, hint } = event.error;
      return [{ type: "turn_error", data: { error: message, kind, retryable, hint } }];
    }
    case "rewind":
      return [{ type: "rewind", data: { to_seq: event.toSeq } }];
    case "fork":
      return [{ type: "fork", data: { origins: event.origins, to_seq: event.toSeq } }];
    case "title": {
      const { title, provider, model, attempts } = event;
      return [{ type: "title", data: title, metadata: { usage: usageOfRequest(event), provider, model, attempts } }];
    }
    default:
      event satisfies never; // at run time, an event of a later version of this program
      return [];
  }
}

function wireQuestion(question: Question): object {
  switch (question.kind) {
    case "approval": {
      const { kind, tool, server, call, reason, annotations, onceOnly } = question;
      return {
        kind,
        call_id: call.id,
        tool,
        server,
        arguments: call.arguments,
        reason,
        annotations,
        once_only: onceOnly,
      };
    }
    case "sampling": {
      const { kind, server, prompt, maxTokens } = question;
      return { kind, server, prompt, max_tokens: maxTokens };
    }
    case "elicitation":
    case "limit":
      return question;
  }
}

function assistantChunks(event: AssistantMessageEvent, shown: Shown): EventChunk[] {
  const { message, provider, model, finishReason, attempts, interrupted } = event;
  const chunks: EventChunk[] = [];
  if (message.reasoning && !shown.reasoning) chunks.push({ type: "reasoning", data: message.reasoning });
  if (message.content && !shown.text) chunks.push({ type: "text", data: message.content });
  const metadata = { provider, model, finish_reason: finishReason, attempts, interrupted };
  return [...chunks, { type: "usage", data: usageOfRequest(event), metadata }];
}

/** Returns what all answers to the request took. */
export function usageOfRequest(
  event: AssistantMessageEvent | CompactionEvent | TitleEvent,
): ReturnType<typeof wireUsage> {
  return wireUsage(usageSum(answersBilled(event)), event.spent?.usd);
}

/** Converts a stored event to chunks for `history`. Each chunk has the event's `seq`, turn and time. */
export function historyChunks(event: StoredEvent): { seq: number; chunk: EventChunk }[] {
  const { seq, turnId, at } = event;
  return chunksOf(event, { text: false, reasoning: false }).map(({ metadata, ...chunk }) => ({
    seq,
    chunk: { ...chunk, metadata: { ...metadata, turn_id: turnId, at } },
  }));
}

export function wirePart(part: ContentPart): Record<string, unknown> {
  if (part.type === "text" || !part.mimeType) return { ...part };
  const { mimeType, ...rest } = part;
  return { ...rest, mime_type: mimeType };
}

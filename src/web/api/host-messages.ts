/** Messages of the host, as the page receives them over /ws/chat. /openapi.json describes this protocol. */
import type { LimitQuestion, ServerState, StopReason } from "../../core/events.js";
import type { FinishReason, JsonSchema } from "../../core/messages.js";

/** Tokens and cost of an answer of the model, or of a summary. */
export interface AnswerUsage {
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens?: number;
  cached_tokens?: number;
  cache_write_tokens?: number;
  cost_usd?: number;
}

export type ShownPart =
  | { type: "text"; text: string }
  | { type: "image" | "audio"; data: string; mime_type: string }
  | { type: "resource_link"; uri: string; name?: string; mime_type?: string };

export type ShownQuestion = { question_id: string } & (
  | {
      kind: "approval";
      server: string;
      tool: string;
      arguments: string;
      reason: string;
      annotations?: readonly string[];
      once_only?: true;
    }
  | { kind: "elicitation"; server: string; message: string; form: JsonSchema }
  | { kind: "elicitation"; server: string; message: string; url: string }
  | { kind: "sampling"; server: string; prompt: string; max_tokens: number }
  | LimitQuestion
);

export interface ShownError {
  error: string;
  kind: string;
  retryable: boolean;
  hint: string;
}

/** The turn to which a chunk belongs, and the time of the chunk in ms since the epoch. */
interface TurnFacts {
  turn_id: string;
  at: number;
}

interface UsageFacts {
  provider: string;
  model: string;
  finish_reason: FinishReason;
  /** Number of HTTP requests that were sent for the answer. */
  attempts: number;
  interrupted?: true;
}

interface HostChunk<Type extends string, Data, Metadata = object> {
  type: Type;
  data: Data;
  metadata: Metadata & TurnFacts;
}

/** A chunk of a stored event. An answer of the model consists of up to three chunks with the same `seq`. */
type StoredChunk =
  | HostChunk<"user_message", string, { request_id: string; model?: string }>
  | HostChunk<"reasoning" | "text", string>
  | HostChunk<"usage", AnswerUsage | null, UsageFacts>
  | HostChunk<"tool_call", { id: string; name: string; arguments: string }>
  | HostChunk<"tool_sent", { id: string }>
  | HostChunk<"tool_result", { id: string; name: string; is_error: boolean; content: ShownPart[] }>
  | HostChunk<"question", ShownQuestion>
  | HostChunk<"answer", { question_id: string; value: unknown }>
  | HostChunk<"compaction", string, { up_to_seq: number; usage: AnswerUsage | null; provider: string; model: string }>
  | HostChunk<"trim", { up_to_seq: number }>
  | HostChunk<"turn_end", { stop_reason: StopReason }>
  | HostChunk<"turn_error", ShownError>
  | HostChunk<"rewind", { to_seq: number }>
  | HostChunk<"fork", { origins: string[]; to_seq: number }>;

/** A chunk of a live event. Live events are never stored, but some of them preview an event that is stored later. */
export type LiveChunk =
  | { type: "text" | "reasoning"; data: string }
  | { type: "discard"; data: { reason: string } }
  | { type: "tool_progress"; data: { id: string; progress: number; total?: number; message?: string } }
  | { type: "server_status"; data: { server: string; state: ServerState; reason?: string } };

export type StoredMessage = { seq: number; chunk: StoredChunk };

export type HostMessage = { request_id: string | null } & (
  | ({ status: "chunk" } & StoredMessage)
  | { status: "chunk"; seq?: undefined; chunk: LiveChunk }
  | { status: "complete"; seq?: number; chunk: { type: string; data: unknown; metadata?: Record<string, unknown> } }
  | { status: "error"; seq?: number; chunk: ShownError & { action?: string } }
);

/** An event of a conversation that the page has. The host refuses a call that names one if the conversation was deleted since. */
export interface LastSeen {
  seq: number;
  turn_id: string;
}

export interface ConversationEntry {
  conversation_id: string;
  title: string;
  last_seq: number;
  updated_at: number;
}

export interface ServerEntry {
  name: string;
  state: ServerState;
  transport: string;
  tools: number;
  prompts: number;
  resources: number;
  era: "legacy" | "modern" | null;
  start_ms: number | null;
  latency_ms: number | null;
  version: string | null;
  reason: string | null;
  login: string | null;
}

export interface Tool {
  name: string;
  server: string;
  tool: string;
  description: string;
  input_schema: JsonSchema;
  /** Estimated tokens of the tool's definition. Each request that offers the tool contains them. */
  tokens: number;
}

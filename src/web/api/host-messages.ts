/** Messages of the host, as the page receives them over /ws/chat. /openapi.json describes this protocol. */
import type { LimitQuestion, ServerState, StopReason } from "../../core/events.js";
import type { FinishReason, JsonSchema } from "../../core/messages.js";
import type { StoredChunkType } from "../../doors/protocol/chunks.js";

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
  | { type: "file"; data: string; mime_type: string; name?: string }
  | { type: "resource_link"; uri: string; name?: string; mime_type?: string };

export type ShownQuestion = { question_id: string } & (
  | {
      kind: "approval";
      call_id: string;
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

interface Chunk<Data, Metadata = object> {
  data: Data;
  metadata: Metadata;
}

interface StoredChunks {
  /** `content`: all parts of the message, if it is not one text. */
  user_message: Chunk<string, { request_id: string; model?: string; content?: ShownPart[] }>;
  reasoning: Chunk<string>;
  text: Chunk<string>;
  usage: Chunk<AnswerUsage | null, UsageFacts>;
  tool_call: Chunk<{ id: string; name: string; arguments: string }>;
  tool_sent: Chunk<{ id: string }>;
  tool_result: Chunk<{ id: string; name: string; is_error: boolean; content: ShownPart[] }>;
  question: Chunk<ShownQuestion>;
  answer: Chunk<{ question_id: string; value: unknown }>;
  compaction: Chunk<string, { up_to_seq: number; usage: AnswerUsage | null; provider: string; model: string }>;
  trim: Chunk<{ up_to_seq: number }>;
  state_lost: Chunk<{ servers: string[] }>;
  catalogue: Chunk<string>;
  turn_end: Chunk<{ stop_reason: StopReason }>;
  turn_error: Chunk<ShownError>;
  rewind: Chunk<{ to_seq: number }>;
  fork: Chunk<{ origins: string[]; to_seq: number }>;
  title: Chunk<string>;
}

/** A chunk of a stored event. An answer of the model consists of up to three chunks with the same `seq`. */
export type StoredChunk = {
  [Type in StoredChunkType]: { type: Type; metadata: TurnFacts } & StoredChunks[Type];
}[StoredChunkType];

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
  pinned: boolean;
  /** `waiting` means that a question is open. */
  state: "idle" | "running" | "waiting";
  /** Id of the conversation of which this one is another version. */
  version_of: string | null;
}

export interface VersionEntry {
  conversation_id: string;
  updated_at: number;
  /** Number of the event after which it differs from the conversation whose versions were asked for. */
  to_seq: number;
  /** Its turn after that event. Null if there is none. */
  turn_id: string | null;
}

/** Answers of the action `watch_sessions`: what has changed in the list of conversations. */
export type ListMessage =
  | { status: "chunk"; chunk: { type: "session"; data: ConversationEntry } }
  | { status: "chunk"; chunk: { type: "session_deleted"; data: { conversation_id: string } } }
  | { status: "complete" | "error" };

export interface NamedModel {
  /** Provider and model, as in `openai/gpt-5`. */
  id: string;
  is_default?: boolean;
  /** Content that the model takes besides text. Undefined if unknown. */
  takes?: readonly ("image" | "audio" | "file")[];
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
  /** The file that defines the server. Null if no file does. */
  source: string | null;
  enabled: boolean;
  editable: boolean;
  /** The server as it is written in the file, without its secrets. Null if this host cannot change it. */
  entry: object | null;
  can_log_out: boolean;
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

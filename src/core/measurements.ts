/** What layers measure, once for all who want to know: `src/telemetry/` makes spans and metrics of it. */
import type { Completion, CompletionRequest, FinishReason, StopReason, ToolResult, Usage } from "./chat.js";
import type { ServerConfig } from "./config.js";
import type { LlmErrorKind, McpErrorKind } from "./errors.js";
import type { ServerStatus } from "./ports.js";
import type { Samples, TraceContext } from "./trace-context.js";

/** Where layers report. They get none when nobody listens, and then make nothing of all this. */
export interface Meter {
  /** Must neither throw nor keep what it is given waiting. */
  record: (measurement: Measurement) => void;
  samples: Samples;
}

/**
 * One fact. Times are milliseconds. `content` is what people, models and servers said, by reference: only who was told to may hand
 * it on.
 */
export type Measurement =
  | TurnMeasurement
  | CompletionMeasurement
  | ToolMeasurement
  /** A call has waited for its place in the queue of its provider. */
  | { type: "place_taken"; provider: string; waitMs: number }
  /** A model keeps failing and is not asked for a while. */
  | { type: "breaker_opened"; provider: string; model: string }
  /** A connection that was ready has ended. */
  | { type: "connection_ended"; server: string; transport: Transport; durationMs: number; error?: McpErrorKind };

type Transport = ServerConfig["transport"];

/** A turn, as far as this process runs it. */
type TurnMeasurement =
  | { type: "turn_started"; trace: TraceContext; conversationId: string; turnId: string }
  | {
      type: "turn_ended";
      trace: TraceContext;
      durationMs: number;
      /** `left`: it goes on in another process. */
      end: StopReason | "left";
      /** Why it ended as `error`. */
      error?: string;
      usage: Usage;
    };

/** One completion, over all attempts and providers; `trace` says which. */
type CompletionMeasurement =
  | {
      type: "completion_started";
      trace: TraceContext;
      /** Who is asked first. */
      provider: string;
      model: string;
      baseUrl: string;
      streaming: boolean;
      content: CompletionRequest;
    }
  | {
      type: "attempt_failed";
      trace: TraceContext;
      provider: string;
      model: string;
      kind: LlmErrorKind;
      status?: number | undefined;
      isRetried: boolean;
      /** Before it is sent again. */
      delayMs: number;
    }
  | { type: "fallback_asked"; trace: TraceContext; provider: string; model: string }
  | ({ type: "completion_ended"; trace: TraceContext; streaming: boolean } & CompletionFacts);

export interface CompletionFacts {
  provider: string;
  model: string;
  durationMs: number;
  /** HTTP requests. */
  attempts: number;
  /** From the start of the completion to the first of what the model says; of a stream. */
  firstChunkMs?: number | undefined;
  /** Of a stream, between two pieces of one answer. */
  longestGapMs?: number | undefined;
  /** Absent: it failed. */
  finishReason?: FinishReason;
  usage?: Usage | undefined;
  /** Absent: not known, which is not 0. */
  usd?: number | undefined;
  error?: LlmErrorKind;
  content?: Completion;
}

/** One call of a tool that a server has in its catalogue. */
type ToolMeasurement =
  | ({ type: "tool_started"; callId?: string | undefined; content: Readonly<Record<string, unknown>> } & ToolFacts)
  | ({
      type: "tool_ended";
      durationMs: number;
      /** `tool_error`: by the server's word; else a code of JSON-RPC, or why there is no answer. */
      error?: string | undefined;
      /** Of JSON-RPC. */
      errorCode?: number | undefined;
      content: ToolResult;
    } & ToolFacts);

interface ToolFacts {
  /** Undefined: whoever called gave it none. */
  trace: TraceContext | undefined;
  server: string;
  /** The server's own name of it. */
  tool: string;
  transport: Transport;
}

export type BreakerState = "closed" | "half_open" | "open";

/** How the host is at this moment, for whoever asks. */
export interface HostState {
  turns: { sessions: number; running: number; waiting: number };
  /** Places of each provider that was asked. */
  limiters: readonly { provider: string; active: number; waiting: number; limit: number }[];
  breakers: readonly { provider: string; model: string; state: BreakerState }[];
  servers: readonly Pick<ServerStatus, "name" | "state">[];
}

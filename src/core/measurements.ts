/** Measurements of all layers, from which `src/telemetry/` makes spans and metrics. */

import type { ServerConfig } from "./config.js";
import type { LlmErrorKind, McpErrorKind } from "./errors.js";
import type { StopReason } from "./events.js";
import type { Completion, CompletionRequest, FinishReason, ToolResult, Usage } from "./messages.js";
import type { ServerStatus } from "./ports.js";
import type { Samples, TraceContext } from "./trace-context.js";

/** Receiver of measurements. A layer without a meter skips the work of measuring. */
export interface Meter {
  /** Takes a measurement. Must neither throw nor block. */
  record: (measurement: Measurement) => void;
  samples: Samples;
}

/**
 * A single measured fact. Times are in milliseconds. `content` refers to what people, models and servers have said; it may be passed on
 * only if the configuration allows it.
 */
export type Measurement =
  | TurnMeasurement
  | CompletionMeasurement
  | ToolMeasurement
  /** A model request has got a slot in the provider's queue, after waiting for `waitMs`. */
  | { type: "slot_taken"; provider: string; waitMs: number }
  | { type: "breaker_opened"; provider: string; model: string }
  /** A connection that was ready has ended. */
  | { type: "connection_ended"; server: string; transport: Transport; durationMs: number; error?: McpErrorKind };

type Transport = ServerConfig["transport"];

/** A turn, or the part of it that this host runs. */
type TurnMeasurement =
  | { type: "turn_started"; trace: TraceContext; conversationId: string; turnId: string }
  | {
      type: "turn_ended";
      trace: TraceContext;
      durationMs: number;
      /** How the turn ended. `left`: it continues on another host. */
      end: StopReason | "left";
      /** Kind of the error. Set if `end` is `error`. */
      error?: string;
      usage: Usage;
    };

/** A completion with all its attempts and providers. `trace` identifies the completion. */
type CompletionMeasurement =
  | {
      type: "completion_started";
      trace: TraceContext;
      /** The provider that was asked first. */
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
      delayMs: number;
    }
  | { type: "fallback_asked"; trace: TraceContext; provider: string; model: string }
  | ({ type: "completion_ended"; trace: TraceContext; streaming: boolean } & CompletionFacts);

export interface CompletionFacts {
  provider: string;
  model: string;
  durationMs: number;
  /** Number of HTTP requests that were sent. */
  attempts: number;
  /** Time from the start of the completion to the first delta. Only for streams. */
  firstChunkMs?: number | undefined;
  /** Longest time between two pieces of one answer. Only for streams. */
  longestGapMs?: number | undefined;
  /** Absent if the completion failed. */
  finishReason?: FinishReason;
  usage?: Usage | undefined;
  /** Cost in US dollars. Absent if the cost is unknown; an unknown cost is not 0. */
  usd?: number | undefined;
  error?: LlmErrorKind;
  content?: Completion;
}

/** A call of a tool that a server lists. */
type ToolMeasurement =
  | ({ type: "tool_started"; callId?: string | undefined; content: Readonly<Record<string, unknown>> } & ToolLabels)
  | ({
      type: "tool_ended";
      durationMs: number;
      /**
       * Set if the call failed. `tool_error` if the server reported that the tool failed. Otherwise a JSON-RPC code, or the reason why
       * there is no answer.
       */
      error?: string | undefined;
      errorCode?: number | undefined;
      content: ToolResult;
    } & ToolLabels);

interface ToolLabels {
  /** Undefined if the caller passed no trace. */
  trace: TraceContext | undefined;
  server: string;
  tool: string;
  transport: Transport;
}

export type BreakerState = "closed" | "half_open" | "open";

export interface HostState {
  turns: { sessions: number; running: number; waiting: number };
  /** Use of the slots for concurrent requests, for each provider that has been asked. */
  limiters: readonly { provider: string; active: number; waiting: number; limit: number }[];
  breakers: readonly { provider: string; model: string; state: BreakerState }[];
  servers: readonly Pick<ServerStatus, "name" | "state">[];
}

/** Events of a conversation: what has happened is stored, what is happening is only shown. */

import type {
  AssistantMessage,
  ContentPart,
  Delta,
  Discard,
  FinishReason,
  JsonSchema,
  Message,
  Spent,
  ToolCall,
  ToolResult,
  Usage,
} from "./messages.js";

/** Reason for a turn's end: the terms of Agent Client Protocol, plus ours for limits and failures. */
export type StopReason = "end_turn" | "max_tokens" | "max_tool_hops" | "budget" | "refusal" | "cancelled" | "error";

/** A question to a person (or program) during a turn; answered by `session.answer(questionId, value)`. */
export type Question =
  | ApprovalQuestion
  /**
   * A server wants data (a form by its schema), or wants the person to visit a page. Answer: `{"action": "accept" | "decline" | "cancel",
   * "content": {…}}`.
   */
  | { kind: "elicitation"; server: string; message: string; form: JsonSchema }
  | { kind: "elicitation"; server: string; message: string; url: string }
  /** A server wants the model to write something, at the user's cost. Answer: `true` or `false`. */
  | { kind: "sampling"; server: string; prompt: string; maxTokens: number }
  | LimitQuestion;

/** The question whether to continue after a reached limit, for the same amount again. Answer: `true`, `false` or `{"allow": boolean}`. */
export interface LimitQuestion {
  kind: "limit";
  /** `loop`: the model repeats a call and gets the same result. */
  limit: "hops" | "tokens" | "usd" | "time" | "calls" | "loop";
  scope: "turn" | "conversation" | "day";
  /** Tokens, US dollars, milliseconds or counts, depending on `limit`. */
  used: number;
  allowed: number;
  /** Amount that the next step would add to `used`. Once tools were called, this includes a final answer after the next request. */
  needed?: number;
  /** True if `used` includes estimates, because a provider did not report usage. */
  estimated?: true;
  /** Number of requests of unknown price, not included in the dollars of `used`. */
  unpriced?: number;
}

/** The question whether a tool may run. `readApproval` reads the answer. */
export interface ApprovalQuestion {
  kind: "approval";
  call: ToolCall;
  server: string;
  tool: string;
  reason: string;
  /** The server's annotations of the tool, if the user trusts the server: `read-only`, `destructive`… */
  annotations?: readonly string[];
  /** True if a rule requires this question for every such call: a yes then covers only this call. */
  onceOnly?: true;
  /** Hash of the tool's definition when the question was asked. Undefined for tools of the host, and in older logs. */
  definition?: string;
}

/** An error as users, logs and wires see it. */
export interface ErrorInfo {
  kind: string;
  message: string;
  /** True if the same request may succeed later: its request id can be sent again. */
  retryable: boolean;
  hint: string;
  /** HTTP requests sent to the provider without success. */
  attempts?: number;
  /** How long the provider asks callers to wait. */
  retryAfterMs?: number;
}

export interface UserMessageEvent {
  type: "user_message";
  turnId: string;
  requestId: string;
  /** Empty if the caller's history contains everything. */
  content: ContentPart[];
  /** Earlier messages as the caller states them, for calls that bring their own history. */
  history?: Message[];
  /**
   * Schema of the turn's final answer. The model is told of it at the end of this message, here and in every later turn, so that a schema
   * leaves the beginning of requests unchanged. Absent in calls that bring the whole history and in older logs: there the system prompt
   * states the schema.
   */
  answerSchema?: JsonSchema;
  /** Only for calls of `/v1/responses`: further parameters of the call, which its response repeats. The turn does not read them. */
  asked?: Readonly<Record<string, unknown>>;
}

export interface AssistantMessageEvent {
  type: "assistant_message";
  turnId: string;
  message: AssistantMessage;
  finishReason: FinishReason;
  provider: string;
  model: string;
  usage?: Usage;
  spent?: Spent;
  attempts: number;
  /** Names of the tools that this request was the first to offer, in order. They come after the tools sent since the last compaction. */
  offered?: string[];
  /** The servers' instructions in the system prompt from here to the next compaction. Absent: unchanged. */
  catalogue?: string;
  /** True if the answer was cut (cancel, broken stream): `message` holds what was shown. */
  interrupted?: true;
}

/** True for an answer that broke off before it had any text to show. It is in the log only for its cost. */
export function isUnsaid(event: { type: string }): boolean {
  if (event.type !== "assistant_message") return false;
  const { interrupted, message } = event as AssistantMessageEvent;
  return interrupted === true && message.content === "" && !message.reasoning;
}

export interface QuestionEvent {
  type: "question";
  turnId: string;
  questionId: string;
  question: Question;
}

/** A summary that replaces, for the model, every turn that had ended at `upToSeq`. The log keeps those turns. */
export interface CompactionEvent {
  type: "compaction";
  /** The turn whose request would have been too long without the summary. */
  turnId: string;
  upToSeq: number;
  summary: string;
  provider: string;
  model: string;
  usage?: Usage;
  spent?: Spent;
  attempts: number;
}

/** Progress of a tool call in the model's last answer, so that a turn resumed after a crash does not repeat the call. */
export interface StartedCall {
  call: ToolCall;
  /** True if the call is in the log. */
  planned: boolean;
  /** True if the call may have reached its server. */
  sent: boolean;
  /** The question to the person whether the call may run. Absent if it was not asked. */
  question?: QuestionEvent;
  answer?: { value: unknown };
  result?: Pick<ToolResult, "content" | "isError" | "found">;
  /** Text for the model after the result. */
  note?: string;
}

/** An event that has happened: stored and numbered per conversation. A tool call is planned, then sent, then has its result. */
export type ChatEvent =
  | UserMessageEvent
  | AssistantMessageEvent
  | { type: "tool_call"; turnId: string; call: ToolCall }
  /** `process`: set if the server runs in a process of the host `nodeId` and keeps its state there. */
  | { type: "tool_sent"; turnId: string; callId: string; process?: { server: string; nodeId: string } }
  | ({ type: "tool_result"; turnId: string; callId: string; name: string } & ToolResult)
  | QuestionEvent
  | { type: "answer"; turnId: string; questionId: string; value: unknown }
  | CompactionEvent
  | StateLostEvent
  | CatalogueEvent
  | { type: "turn_end"; turnId: string; stopReason: StopReason }
  | { type: "turn_error"; turnId: string; error: ErrorInfo }
  | RewindEvent
  | ForkEvent;

/** A notice to the model that the turn has moved to another host: these servers' processes and their state are lost. */
export interface StateLostEvent {
  type: "state_lost";
  turnId: string;
  servers: string[];
}

/** A notice to the model about how the servers' instructions have changed. The system prompt stays unchanged. */
export interface CatalogueEvent {
  type: "catalogue";
  turnId: string;
  /** The instructions as they are now. */
  text: string;
  /** The changes: what is new and what was removed. */
  note: string;
}

/** An event that removes turns begun after `toSeq` from the conversation. It belongs to no turn: `turnId` is its own. */
export interface RewindEvent {
  type: "rewind";
  turnId: string;
  toSeq: number;
}

/** The first event of a conversation that was copied from another. It belongs to no turn: `turnId` is its own. */
export interface ForkEvent {
  type: "fork";
  turnId: string;
  /** Conversations from which this one was copied, directly or through other copies; nearest first. */
  origins: string[];
  /** The `seq` of an event in the first origin: turns that had ended by then were copied. */
  toSeq: number;
}

/** `seq` counts from 1 without gaps within its conversation; `at` is milliseconds since the epoch. */
export type StoredEvent = ChatEvent & { seq: number; at: number };

/** An event that is shown but never stored. */
export type LiveEvent =
  | Delta
  | Discard
  | { type: "tool_progress"; callId: string; progress: number; total?: number; message?: string }
  | { type: "server_status"; server: string; state: ServerState; reason?: string };

/** An event that a frontend shows. Every `ChatEvent` arrives as stored, with its `seq`. */
export type TurnEvent = StoredEvent | LiveEvent;

export type ServerState = "starting" | "ready" | "degraded" | "needs_auth" | "failed" | "disabled";

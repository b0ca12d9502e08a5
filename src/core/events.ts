/** Events of a conversation. Events of what has happened are stored; events of what is happening are only shown. */

import type {
  AssistantMessage,
  BilledAnswer,
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

/** Reason why a turn ended: the terms of the Agent Client Protocol, and additional ones for limits and failures. */
export type StopReason = "end_turn" | "max_tokens" | "max_tool_hops" | "budget" | "refusal" | "cancelled" | "error";

/** A question to a person (or program) during a turn. It is answered by `session.answer(questionId, value)`. */
export type Question =
  | ApprovalQuestion
  | Elicitation
  /** The question whether a server may let the model write something, at the user's cost. Answer: as for a limit. */
  | { kind: "sampling"; server: string; prompt: string; maxTokens: number }
  | LimitQuestion;

/**
 * A question from a server: it wants data in a form that its schema describes, or wants the person to visit a page. Answer: `{"action":
 * "accept" | "decline" | "cancel", "content": {…}}`.
 */
export type Elicitation =
  | { kind: "elicitation"; server: string; message: string; form: JsonSchema }
  | { kind: "elicitation"; server: string; message: string; url: string };

/**
 * The question whether to continue after a limit was reached. A yes raises the limit by its configured amount, or by several times this
 * amount if the next step needs more. Answer: `true`, `false` or `{"allow": boolean}`.
 */
export interface LimitQuestion {
  kind: "limit";
  /** The limit that was reached. `loop`: the model repeats a call and gets the same result. */
  limit: "hops" | "tokens" | "usd" | "time" | "calls" | "loop";
  scope: "turn" | "conversation" | "day";
  /** Amount used so far. Its unit depends on `limit`: tokens, US dollars, milliseconds, or a count. */
  used: number;
  allowed: number;
  /**
   * Amount that the next step would add to `used`. If the step is a model request after tool calls, the amount is doubled, so that one more
   * request for a final answer also fits.
   */
  needed?: number;
  /** True if `used` includes estimates, because a provider did not report its usage. */
  estimated?: true;
  /** Number of requests whose price is unknown. They are not included in the dollars of `used`. */
  unpriced?: number;
}

/** The question whether a tool may run. `readApproval` reads the answer. */
export interface ApprovalQuestion {
  kind: "approval";
  call: ToolCall;
  server: string;
  tool: string;
  reason: string;
  /** The server's claims about the tool (`read-only`, `destructive`…). Absent unless the user trusts the server. */
  annotations?: readonly string[];
  /** True if a rule requires a question for every such call. A yes then holds for this call only. */
  onceOnly?: true;
  /** Hash of the tool's definition at the time of the question. Undefined for tools of the host. */
  definition?: string;
  /** The server's `ToolFacts.place` at the time of the question. */
  place?: string;
}

/** An error in the form in which users, logs and clients get it. */
export interface ErrorInfo {
  kind: string;
  message: string;
  /** True if the same request may succeed later. The caller can then send it again with the same request id. */
  retryable: boolean;
  hint: string;
  /** Number of HTTP requests that were sent to the provider without success. */
  attempts?: number;
  /** How long the provider, or a host with too much to do, asks callers to wait. */
  retryAfterMs?: number;
}

export interface UserMessageEvent {
  type: "user_message";
  turnId: string;
  requestId: string;
  /** The new message. Empty if the caller's `history` already contains everything. */
  content: ContentPart[];
  /**
   * The model that the request names. The page names it again when it sends the request of a failed turn again. A host that cannot ask it leaves
   * the turn to others.
   */
  model?: string;
  /** Earlier messages, if the caller sends its own history with the request. */
  history?: Message[];
  /**
   * Ids of the stored results of those turns in `history` that the host has found in its log. The model may read these results.
   */
  resultIds?: string[];
  /**
   * Schema of the turn's final answer. The model gets the schema at the end of this message, in this turn and in all later ones, so that
   * the beginning of requests stays the same. Absent if the caller sends the whole history with the request: the system prompt
   * then states the schema instead.
   */
  answerSchema?: JsonSchema;
  /** Only for requests to `/v1/responses`: their further parameters, which the response repeats. They do not affect the turn. */
  asked?: Readonly<Record<string, unknown>>;
}

/** The costs of a request to a model. */
interface RequestFacts {
  provider: string;
  model: string;
  /** Token counts of the answer. */
  usage?: Usage;
  /** Amounts of all answers to the request. */
  spent?: Spent;
  /**
   * All answers to the request, the one of this event last. The others broke off or lacked the requested form. Absent if it is the only one, unless
   * it broke off and its usage is known, because `usage` is only for whole answers. Read it with `answersBilled`.
   */
  billed?: readonly BilledAnswer[];
  attempts: number;
}

export interface AssistantMessageEvent extends RequestFacts {
  type: "assistant_message";
  turnId: string;
  message: AssistantMessage;
  finishReason: FinishReason;
  /**
   * Names of the tools that this request was the first to offer, in the order in which the request lists them: after all tools that were
   * offered earlier since the last compaction or trim.
   */
  offered?: string[];
  /** The servers' instructions in the system prompt, from this request on until the next compaction or trim. Absent if they have not changed. */
  catalogue?: string;
  /** True if the answer was cut off because the turn was cancelled or the stream broke. `message` then holds the part that was shown. */
  interrupted?: true;
}

/** True for an answer that broke off before any text was shown. The log contains it only because it costs something. */
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

/**
 * A summary. For the model, it replaces all turns that had ended when the event with the number `upToSeq` was stored. These turns stay in
 * the log.
 */
export interface CompactionEvent extends RequestFacts {
  type: "compaction";
  /** The turn whose request would have been too long without the summary. */
  turnId: string;
  upToSeq: number;
  summary: string;
}

/**
 * Older turns no longer fit into the model's window, and there is no summary of them. From this event on, the model gets no messages of the
 * turns that had ended when the event with the number `upToSeq` was stored. These turns stay in the log.
 */
export interface TrimEvent {
  type: "trim";
  /** The turn whose request would have been too long. */
  turnId: string;
  upToSeq: number;
}

/** Progress of a tool call in the model's last answer, so that a turn resumed after a crash does not repeat the call. */
export interface StartedCall {
  call: ToolCall;
  /** True if the log has the call's `tool_call` event. */
  planned: boolean;
  /** True if the call may have reached its server. */
  sent: boolean;
  /** The question to the person whether the call may run. Absent if no question was asked. */
  question?: QuestionEvent;
  answer?: { value: unknown };
  result?: Pick<ToolResult, "content" | "isError" | "found">;
  /** Text that the model gets after the result. */
  note?: string;
}

/**
 * An event that has happened. It is stored, and numbered within its conversation. For each tool call there is first an event with the plan,
 * then an event when the call is sent, then an event with its result.
 */
export type ChatEvent =
  | UserMessageEvent
  | AssistantMessageEvent
  | { type: "tool_call"; turnId: string; call: ToolCall }
  /** `process`: set if the server runs in a process of the host `nodeId` and keeps its state there. */
  | { type: "tool_sent"; turnId: string; callId: string; process?: { server: string; nodeId: string } }
  | ({ type: "tool_result"; turnId: string; callId: string; name: string } & ToolResult)
  | QuestionEvent
  /** `withdrawn`: set if nobody has answered, because the server that asked no longer waits. `value` is then `false`. */
  | { type: "answer"; turnId: string; questionId: string; value: unknown; withdrawn?: true }
  | CompactionEvent
  | TrimEvent
  | StateLostEvent
  | CatalogueEvent
  | { type: "turn_end"; turnId: string; stopReason: StopReason }
  | { type: "turn_error"; turnId: string; error: ErrorInfo }
  | RewindEvent
  | ForkEvent
  | TitleEvent;

/** A notice to the model that the turn has moved to another host. The processes of these servers are lost, and their state with them. */
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

/**
 * An event that removes from the conversation all turns that began after the event whose `seq` is `toSeq`. It belongs to no turn, so its
 * `turnId` is used by no other event.
 */
export interface RewindEvent {
  type: "rewind";
  turnId: string;
  toSeq: number;
}

/** The first event of a conversation that was copied from another one. It belongs to no turn, so its `turnId` is used by no other event. */
export interface ForkEvent {
  type: "fork";
  turnId: string;
  /**
   * Ids of the conversations of which this one is a copy, directly or through other copies. The first is its direct origin, the second is
   * the origin of the first, and so on.
   */
  origins: string[];
  /** `seq` of an event in the conversation `origins[0]`. The turns that had ended by then were copied. */
  toSeq: number;
}

/**
 * The title that the model has made for the conversation, and what it cost. "" if the model has made none. It belongs to no turn, so its `turnId`
 * is used by no other event. It may be stored while a turn runs.
 */
export interface TitleEvent extends RequestFacts {
  type: "title";
  turnId: string;
  title: string;
}

/** An event as stored. `seq` counts from 1 without gaps within the conversation; `at` is in milliseconds since the epoch. */
export type StoredEvent = ChatEvent & { seq: number; at: number };

/** A stored event of this type, or of one of these types. */
export type EventOf<Type extends ChatEvent["type"]> = Extract<StoredEvent, { type: Type }>;

/** Returns true if the event ends a turn, well or with an error. A failed turn may be resumed, so other events of it may follow. */
export function isTurnEnd(event: TurnEvent): event is EventOf<"turn_end" | "turn_error"> {
  return event.type === "turn_end" || event.type === "turn_error";
}

/** An event that is shown but never stored. */
export type LiveEvent =
  | Delta
  | Discard
  | { type: "tool_progress"; callId: string; progress: number; total?: number; message?: string }
  | { type: "server_status"; server: string; state: ServerState; reason?: string };

/** An event that a front door (terminal, HTTP, …) shows: a stored event with its `seq`, or a live event. */
export type TurnEvent = StoredEvent | LiveEvent;

export type ServerState = "starting" | "ready" | "degraded" | "needs_auth" | "failed" | "disabled";

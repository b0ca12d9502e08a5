/** The one message model. Wire shapes (OpenAI, MCP, YAML) are mapped to it at their edge and go no further. */

export type JsonSchema = Record<string, unknown>;

export type ContentPart =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "audio"; data: string; mimeType: string }
  | { type: "resource_link"; uri: string; name?: string; mimeType?: string };

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text exactly as the model wrote it. If it does not parse, the call gets a tool error result, never `{}`. */
  arguments: string;
  /** Set in logs of earlier versions: what the provider wants back with the call. Now in `AssistantMessage.kept`. */
  opaque?: unknown;
}

export interface AssistantMessage {
  role: "assistant";
  content: string;
  reasoning?: string;
  toolCalls: ToolCall[];
  /** Set in logs of earlier versions; see `kept`. */
  reasoningDetails?: ReasoningDetails;
  /** Absent if the provider wants nothing back, and in interrupted answers. */
  kept?: KeptParts;
  /** Not stored: true if a summary now replaces what the model knew when it wrote this. Signatures bound to that context are invalid. */
  isBeforeSummary?: true;
}

/**
 * Parts of an answer that its provider wants back besides text and calls, and their origin, since other providers refuse them. Kept
 * unchanged; each request decides which to send.
 */
export interface KeptParts {
  wire: string;
  provider: string;
  /** Hash of the base URL and the key. */
  account: string;
  model: string;
  /** The whole answer in order. */
  parts: readonly KeptPart[];
}

/** `extra`: provider-specific keys of the text or call. Texts and arguments stand in the message only. */
export type KeptPart =
  /** Reasoning, signed or encrypted, as the provider wrote it. */
  | { opaque: Readonly<Record<string, unknown>> }
  /** Number of characters of `content`, from where the text before ended. */
  | { text: number; extra?: Readonly<Record<string, unknown>> }
  /** Position in `toolCalls`. */
  | { call: number; extra?: Readonly<Record<string, unknown>> };

/**
 * Signed reasoning (OpenRouter's `reasoning_details`) that a model wants back with the calls it led to; echoed, never read. Other models
 * refuse it.
 */
export interface ReasoningDetails {
  /** `provider/model`. */
  from: string;
  blocks: readonly unknown[];
}

export type Message =
  | { role: "system"; content: string }
  | { role: "user"; content: ContentPart[] }
  | AssistantMessage
  | ToolMessage;

export interface ToolMessage {
  role: "tool";
  toolCallId: string;
  content: ContentPart[];
  isError: boolean;
  /** Names of tools offered from here on; see `ToolResult.found`. A wire that can add tools here leaves its first list unchanged. */
  found?: readonly string[];
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "unknown";

/** Reason for a turn's end: the terms of Agent Client Protocol, plus ours for limits and failures. */
export type StopReason = "end_turn" | "max_tokens" | "max_tool_hops" | "budget" | "refusal" | "cancelled" | "error";

/** Token counts under OpenTelemetry's GenAI names. A count that the provider did not give is absent, never 0. */
export interface Usage {
  /** All input, including tokens read from or written to a cache. */
  inputTokens: number;
  /** All output, including reasoning. */
  outputTokens: number;
  /** Part of the output. */
  reasoningTokens?: number;
  /** Part of the input: read from the provider's cache. */
  cachedTokens?: number;
  /** Part of the input: written to the provider's cache. */
  cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens`: cached for an hour. */
  cacheWrite1hTokens?: number;
}

/** An answer that broke off after it had begun: the provider bills what it had read and written by then. */
export interface LostAnswer {
  provider: string;
  model: string;
  /** The provider's counts, and at least the output received. */
  usage: Partial<Usage> & Pick<Usage, "outputTokens">;
}

/** Amounts that a request counts against limits. */
export interface Spent {
  tokens: number;
  /** Absent if the price is unknown, which is not 0. */
  usd?: number;
  /** True if the provider did not report usage, or not that of an answer that broke off. */
  estimated?: true;
}

export interface ToolDefinition {
  /** Name for the model, `server__tool`, matching `^[a-zA-Z0-9_-]{1,64}$`. */
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

/** The tool that the model must call: any offered one, or the one of this name. `none`: it must call none, although tools are offered. */
export type ToolChoice = "required" | "none" | { name: string };

/** Form of a final answer: one JSON value that is valid against the schema. */
export interface OutputFormat {
  jsonSchema: JsonSchema;
  /** For providers that need one, matching `^[a-zA-Z0-9_-]{1,64}$`. Default: `answer`. */
  name?: string;
  /** True: the provider enforces the whole schema, and refuses one that it cannot enforce. */
  strict?: boolean;
}

export interface CompletionRequest {
  messages: readonly Message[];
  /** A definition is never changed after it was sent: a new object replaces it. */
  tools: readonly ToolDefinition[];
  /** `model` of the active provider, or `provider/model`. Default: the active provider's model. */
  model?: string;
  temperature?: number;
  maxTokens?: number;
  /** Default: the model decides whether it calls a tool. Not every provider honours it. */
  toolChoice?: ToolChoice;
  /** False: the model is asked for one tool call at a time. Not every provider honours it. */
  parallelToolCalls?: boolean;
  /** Enforced by the provider if its wire can; an answer that calls tools is not a final one. */
  output?: OutputFormat;
  /** Names the conversation for prompt caches of providers. */
  conversation?: string;
}

export interface Completion {
  message: AssistantMessage;
  finishReason: FinishReason;
  provider: string;
  model: string;
  usage?: Usage;
  /** HTTP requests sent for this completion: 1 if nothing was retried. */
  attempts: number;
  /** Answers that broke off before this one. */
  lost?: readonly LostAnswer[];
}

export type Delta = { type: "text_delta" | "reasoning_delta"; delta: string };

/** `discard` voids this request's deltas so far: the request is started again. */
export type Discard = { type: "discard"; reason: string };

/** Events of one model request: any number of deltas, then exactly one completion. */
export type CompletionEvent = Delta | Discard | { type: "completion"; completion: Completion };

/** A question to a person (or program) during a turn; answered by `session.answer(questionId, value)`. */
export type Question =
  | ApprovalQuestion
  /** A server wants data (a form by its schema) or a visit to a page: `{"action": "accept" | "decline" | "cancel", "content": {…}}`. */
  | { kind: "elicitation"; server: string; message: string; form: JsonSchema }
  | { kind: "elicitation"; server: string; message: string; url: string }
  /** A server wants the model to write something, at the user's cost: `true` or `false`. */
  | { kind: "sampling"; server: string; prompt: string; maxTokens: number }
  | LimitQuestion;

/** A reached limit: continue for the same amount again? `true`, `false` or `{"allow": boolean}`. */
export interface LimitQuestion {
  kind: "limit";
  /** `loop`: the same call with the same result. */
  limit: "hops" | "tokens" | "usd" | "time" | "calls" | "loop";
  scope: "turn" | "conversation" | "day";
  /** Tokens, US dollars, milliseconds or counts, depending on `limit`. */
  used: number;
  allowed: number;
  /** Amount, beyond what is left, for the next request and, once tools were called, a last answer. */
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
  /** True if a rule asks about each such call: a yes covers only this one. */
  onceOnly?: true;
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
  /** For `/v1/responses`: further parameters of the call, which its response shows. The turn does not read them. */
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
  /** Names of the tools that no earlier request had, in order. They follow those sent since the last compaction. */
  offered?: string[];
  /** The servers' instructions in the system prompt from here to the next compaction. Absent: unchanged. */
  catalogue?: string;
  /** True if the answer was cut (cancel, broken stream): `message` holds what was shown. */
  interrupted?: true;
}

/** True if nothing of the answer is to be shown: it broke off, and is in the log for its cost. */
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
  /** The turn that needed the room. */
  turnId: string;
  upToSeq: number;
  summary: string;
  provider: string;
  model: string;
  usage?: Usage;
  spent?: Spent;
  attempts: number;
}

export interface ToolResult {
  content: ContentPart[];
  isError: boolean;
  /** Stored results of which `content` shows the ends: readable in every conversation whose log names them. */
  resultIds?: string[];
  /** Names of tools offered to the model from here on, in addition to earlier ones. */
  found?: string[];
}

/** Progress of a call in the model's last answer: a turn resumed after a crash does not repeat it. */
export interface StartedCall {
  call: ToolCall;
  /** True if the call is in the log. */
  planned: boolean;
  /** True if the call may have reached its server. */
  sent: boolean;
  /** The question whether the call may run, if asked. */
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

/** A notice to the model that the servers' instructions have changed, and how; its system prompt stays. */
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
  /** Conversations that it was copied from, nearest first. */
  origins: string[];
  /** Turns that had ended by this event of the first origin were copied. */
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

/** An event that a front door renders. Every `ChatEvent` arrives as stored, with its `seq`. */
export type TurnEvent = StoredEvent | LiveEvent;

export type ServerState = "starting" | "ready" | "degraded" | "needs_auth" | "failed" | "disabled";

/** Formats a link for a model, which may open it with a tool. */
export function linkText({ uri, name, mimeType }: Extract<ContentPart, { type: "resource_link" }>): string {
  const facts = [name, mimeType].filter(Boolean).join(", ");
  return `[resource ${uri}${facts ? ` (${facts})` : ""}]`;
}

/** Builds the message that tells the model a result. */
export function toolMessage(
  { id }: Pick<ToolCall, "id">,
  { content, isError, found }: Pick<ToolResult, "content" | "isError" | "found">,
  note: string | undefined,
): ToolMessage {
  const said: ContentPart[] = note === undefined ? content : [...content, { type: "text", text: note }];
  const message: ToolMessage = { role: "tool", toolCallId: id, content: said, isError };
  return found ? { ...message, found } : message;
}

export function textOf(content: readonly ContentPart[]): string {
  return content
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}

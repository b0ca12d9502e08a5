/** The one model of a conversation. Wire shapes (OpenAI, MCP, YAML) are mapped to these at their edge and die there. */

export type JsonSchema = Record<string, unknown>;

export type ContentPart =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "audio"; data: string; mimeType: string }
  | { type: "resource_link"; uri: string; name?: string; mimeType?: string };

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text exactly as the model wrote it. It may not parse: that is a tool error result, never `{}`. */
  arguments: string;
  /** In logs of earlier versions, what the provider wants back with the call: now in `AssistantMessage.kept`. */
  opaque?: unknown;
}

export interface AssistantMessage {
  role: "assistant";
  content: string;
  reasoning?: string;
  toolCalls: ToolCall[];
  /** In logs of earlier versions, see `kept`. */
  reasoningDetails?: ReasoningDetails;
  /** Absent where its provider wants nothing back, and in answers that were cut. */
  kept?: KeptParts;
  /** Not stored: a summary now stands for what the model knew when it wrote this. Signatures that are bound to that hold no more. */
  isBeforeSummary?: true;
}

/**
 * What the provider of an answer wants back with it, beside text and calls, and where it is from: others refuse it. Kept as it came;
 * what of it is sent is decided for each request.
 */
export interface KeptParts {
  wire: string;
  provider: string;
  /** A hash of the base URL and the key. */
  account: string;
  model: string;
  /** The whole answer in its order. */
  parts: readonly KeptPart[];
}

/** `extra`: native keys beside the text or the call. Texts and arguments stand in the message alone. */
export type KeptPart =
  /** Reasoning, signed or encrypted, as the provider wrote it. */
  | { opaque: Readonly<Record<string, unknown>> }
  /** So many characters of `content`, from where the text before ended. */
  | { text: number; extra?: Readonly<Record<string, unknown>> }
  /** Position in `toolCalls`. */
  | { call: number; extra?: Readonly<Record<string, unknown>> };

/**
 * Signed reasoning (OpenRouter's `reasoning_details`) that a model wants back with the calls it led to; echoed, never read. Another model
 * refuses it.
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
  /** Names of tools that are on offer from here on, see `ToolResult.found`. A wire that can add tools here leaves its first list as it is. */
  found?: readonly string[];
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "unknown";

/** Why a turn ended. Agent Client Protocol's words, plus ours for limits and failures. */
export type StopReason = "end_turn" | "max_tokens" | "max_tool_hops" | "budget" | "refusal" | "cancelled" | "error";

/** Token counts under OpenTelemetry's GenAI names. A count that the provider did not give is absent, never 0. */
export interface Usage {
  /** All input, also what was read from a cache or written to one. */
  inputTokens: number;
  /** All output, reasoning included. */
  outputTokens: number;
  /** Of the output. */
  reasoningTokens?: number;
  /** Of the input: read from the provider's cache. */
  cachedTokens?: number;
  /** Of the input: written to the provider's cache. */
  cacheWriteTokens?: number;
  /** Of `cacheWriteTokens`: to be kept for an hour. */
  cacheWrite1hTokens?: number;
}

/** An answer that broke off after it had begun: the provider bills what it had read and said by then. */
export interface LostAnswer {
  provider: string;
  model: string;
  /** What the provider had counted, and at least the output that had come. */
  usage: Partial<Usage> & Pick<Usage, "outputTokens">;
}

/** What a request counts against limits. */
export interface Spent {
  tokens: number;
  /** Absent: the price is not known, which is not 0. */
  usd?: number;
  /** The provider did not report usage, or not that of an answer that broke off. */
  estimated?: true;
}

export interface ToolDefinition {
  /** Model-side name, `server__tool`, within `^[a-zA-Z0-9_-]{1,64}$`. */
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

/** Which tool the model has to call: any of those offered, or the one of this name. `none`: it must call none, and is offered them all the same. */
export type ToolChoice = "required" | "none" | { name: string };

/** The form of a final answer: one JSON value that is valid against the schema. */
export interface OutputFormat {
  jsonSchema: JsonSchema;
  /** For providers that want one, within `^[a-zA-Z0-9_-]{1,64}$`. Default: `answer`. */
  name?: string;
  /** The provider holds the model to every word of the schema, and refuses a schema that it cannot hold. */
  strict?: boolean;
}

export interface CompletionRequest {
  messages: readonly Message[];
  /** A definition is not changed in place once it was sent: another one takes its place. */
  tools: readonly ToolDefinition[];
  /** `model` of the active provider, or `provider/model`. Default: the active provider's model. */
  model?: string;
  temperature?: number;
  maxTokens?: number;
  /** Default: the model decides whether it calls a tool. Not every provider keeps it. */
  toolChoice?: ToolChoice;
  /** False: the model is asked for one tool call at a time. Not every provider keeps it. */
  parallelToolCalls?: boolean;
  /** Held by the provider where its wire has a way; an answer that calls tools is no final one. */
  output?: OutputFormat;
  /** Names the conversation to providers that keep what they have read of it. */
  conversation?: string;
}

export interface Completion {
  message: AssistantMessage;
  finishReason: FinishReason;
  provider: string;
  model: string;
  usage?: Usage;
  /** HTTP requests really sent for this completion: 1 when nothing had to be retried. */
  attempts: number;
  /** Answers that broke off before this one. */
  lost?: readonly LostAnswer[];
}

export type Delta = { type: "text_delta" | "reasoning_delta"; delta: string };

/** `discard` voids the deltas so far of this request: the request is being started again. */
export type Discard = { type: "discard"; reason: string };

/** One model request: any number of deltas, then exactly one completion. */
export type CompletionEvent = Delta | Discard | { type: "completion"; completion: Completion };

/** What a person (or program) is asked in the middle of a turn; answered by `session.answer(questionId, value)`. */
export type Question =
  | ApprovalQuestion
  /** A server wants data (a form by its schema) or a visit to a page: `{"action": "accept" | "decline" | "cancel", "content": {…}}`. */
  | { kind: "elicitation"; server: string; message: string; form: JsonSchema }
  | { kind: "elicitation"; server: string; message: string; url: string }
  /** A server wants the model to write something, at the user's cost: `true` or `false`. */
  | { kind: "sampling"; server: string; prompt: string; maxTokens: number }
  | LimitQuestion;

/** A limit is reached: go on for the same amount again? `true`, `false` or `{"allow": boolean}`. */
export interface LimitQuestion {
  kind: "limit";
  /** `loop`: the same call with the same result. */
  limit: "hops" | "tokens" | "usd" | "time" | "calls" | "loop";
  scope: "turn" | "conversation" | "day";
  /** Tokens, US dollars, milliseconds or counts, as `limit` has them. */
  used: number;
  allowed: number;
  /** More than what is left: of the next request and, once tools were called, a last answer. */
  needed?: number;
  /** `used` holds estimates, because a provider did not report usage. */
  estimated?: true;
  /** Requests whose price is not known, beside the dollars in `used`. */
  unpriced?: number;
}

/** May this tool run? The answer is what `readApproval` takes. */
export interface ApprovalQuestion {
  kind: "approval";
  call: ToolCall;
  server: string;
  tool: string;
  reason: string;
  /** What the server says of the tool, where the user trusts it: `read-only`, `destructive`… */
  annotations?: readonly string[];
  /** A rule asks about each such call: a yes holds for this one. */
  onceOnly?: true;
}

/** An error as users, logs and wires see it. */
export interface ErrorInfo {
  kind: string;
  message: string;
  /** The same request may succeed later: its request id stays free to be sent again. */
  retryable: boolean;
  hint: string;
  /** HTTP requests that were sent to the provider in vain. */
  attempts?: number;
  /** How long the provider asks to wait before it is called again. */
  retryAfterMs?: number;
}

export interface UserMessageEvent {
  type: "user_message";
  turnId: string;
  requestId: string;
  /** Empty when the caller's history says all. */
  content: ContentPart[];
  /** What the caller says was said before: calls that bring their own history. */
  history?: Message[];
  /** Of a call of `/v1/responses`: what it asks beside its words, for its response to show. The turn does not read it. */
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
  /** Names of the tools that no request before had, in their order: they came behind those that had been sent since the last compaction. */
  offered?: string[];
  /** What servers say of themselves, as the system prompt has it from here on up to the next compaction. Absent: as before. */
  catalogue?: string;
  /** The answer was cut (cancel, broken stream): `message` holds what had been shown. */
  interrupted?: true;
}

/** Whether nothing of the answer is to be shown: it broke off, and is in the log for what it cost. */
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

/** The model is told the summary from here on, in place of every turn that had ended at `upToSeq`. The log keeps those turns. */
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
  /** Stored results that `content` shows the ends of: readable in every conversation whose log names them. */
  resultIds?: string[];
  /** Names of tools that the model is offered from here on, beside those that it was offered before. */
  found?: string[];
}

/** A call of the model's last answer, as far as it got: a turn that goes on after its process died does not do it again. */
export interface StartedCall {
  call: ToolCall;
  /** It is in the log. */
  planned: boolean;
  /** It may have reached its server. */
  sent: boolean;
  /** Whether the call may run was asked. */
  question?: QuestionEvent;
  answer?: { value: unknown };
  result?: Pick<ToolResult, "content" | "isError" | "found">;
  /** What the model is told after the result. */
  note?: string;
}

/** What happened: stored and numbered per conversation. A tool call is planned, then sent, then has its result. */
export type ChatEvent =
  | UserMessageEvent
  | AssistantMessageEvent
  | { type: "tool_call"; turnId: string; call: ToolCall }
  /** `process`: of the host with this id, where the server runs in it and keeps what it keeps there. */
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

/** The turn goes on in another host than earlier calls of these servers, whose processes there are gone: the model is told so from here on. */
export interface StateLostEvent {
  type: "state_lost";
  turnId: string;
  servers: string[];
}

/** What servers say of themselves is not what the model was told before: it is told what has changed, and its system prompt stays. */
export interface CatalogueEvent {
  type: "catalogue";
  turnId: string;
  /** All of it as it is now. */
  text: string;
  /** What is new and what is gone. */
  note: string;
}

/** Turns that began after `toSeq` are no part of the conversation any more. It belongs to no turn: `turnId` is its own. */
export interface RewindEvent {
  type: "rewind";
  turnId: string;
  toSeq: number;
}

/** The first event of a conversation that began as the copy of another one. It belongs to no turn: `turnId` is its own. */
export interface ForkEvent {
  type: "fork";
  turnId: string;
  /** Conversations that it was copied from, directly (the first) and before that. */
  origins: string[];
  /** Turns that had ended by then, in the first of them, were copied. */
  toSeq: number;
}

/** `seq` counts from 1 without a gap in its conversation; `at` is milliseconds since the epoch. */
export type StoredEvent = ChatEvent & { seq: number; at: number };

/** What is happening: shown, never stored. */
export type LiveEvent =
  | Delta
  | Discard
  | { type: "tool_progress"; callId: string; progress: number; total?: number; message?: string }
  | { type: "server_status"; server: string; state: ServerState; reason?: string };

/** What a front door renders. Every event of `ChatEvent` arrives as stored, with its `seq`. */
export type TurnEvent = StoredEvent | LiveEvent;

export type ServerState = "starting" | "ready" | "degraded" | "needs_auth" | "failed" | "disabled";

/** A link as a model reads it: to know of, and to open with a tool. */
export function linkText({ uri, name, mimeType }: Extract<ContentPart, { type: "resource_link" }>): string {
  const facts = [name, mimeType].filter(Boolean).join(", ");
  return `[resource ${uri}${facts ? ` (${facts})` : ""}]`;
}

/** A result as the model is told it. */
export function toolMessage(
  { id }: Pick<ToolCall, "id">,
  { content, isError, found }: Pick<ToolResult, "content" | "isError" | "found">,
  note: string | undefined,
): ToolMessage {
  const said: ContentPart[] = note === undefined ? content : [...content, { type: "text", text: note }];
  const message: ToolMessage = { role: "tool", toolCallId: id, content: said, isError };
  return found ? { ...message, found } : message;
}

/** The text of the parts that are text, in order. */
export function textOf(content: readonly ContentPart[]): string {
  return content
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}

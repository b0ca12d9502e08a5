/** The message model of all layers. Other formats (OpenAI, MCP, YAML) are converted where they enter or leave the program. */

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
  /** Only in logs of earlier versions: data that the provider wants back with the call. Now stored in `AssistantMessage.kept`. */
  opaque?: unknown;
}

export interface AssistantMessage {
  role: "assistant";
  content: string;
  reasoning?: string;
  toolCalls: ToolCall[];
  /** Only in logs of earlier versions. Now stored in `kept`. */
  reasoningDetails?: ReasoningDetails;
  /**
   * Parts that the provider wants back in later requests. Absent if there are no such parts. In an interrupted answer, they include neither
   * reasoning nor calls.
   */
  kept?: KeptParts;
  /**
   * True if a summary now replaces messages that the model had read when it wrote this one: signatures bound to them are invalid. Not
   * stored.
   */
  isBeforeSummary?: true;
}

/**
 * Parts of an answer, besides text and calls, that its provider wants back, with the answer's origin: other providers refuse such parts.
 * The parts are stored unchanged; each request decides which ones to send.
 */
export interface KeptParts {
  wire: string;
  provider: string;
  /** Hash of the base URL and the key. */
  account: string;
  model: string;
  /** All parts of the answer, in order. */
  parts: readonly KeptPart[];
}

/** A part of an answer. `extra`: provider-specific keys of the text or call. The texts and arguments themselves are only in the message. */
export type KeptPart =
  /** Reasoning, signed or encrypted, as the provider wrote it. */
  | { opaque: Readonly<Record<string, unknown>> }
  /** A text: the number of its characters in `content`, counted from the end of the text before it. */
  | { text: number; extra?: Readonly<Record<string, unknown>> }
  /** A tool call: its index in `toolCalls`. */
  | { call: number; extra?: Readonly<Record<string, unknown>> };

/**
 * Signed reasoning (OpenRouter's `reasoning_details`). The model wants it back together with the calls that followed it; other models
 * refuse it. The host sends it back without reading it.
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
  /**
   * Names of tools that are offered from this message on; see `ToolResult.found`. A wire that can add tools in mid-conversation leaves the
   * request's first list of tools unchanged.
   */
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
  /** Token counts that the provider reported. `outputTokens` covers at least the output received. */
  usage: Partial<Usage> & Pick<Usage, "outputTokens">;
}

/** Tokens and dollars of one request, to be counted against limits. */
export interface Spent {
  tokens: number;
  /** Absent if the price is unknown. An unknown price is not the same as 0. */
  usd?: number;
  /** True if the amounts are estimates: the provider did not report usage, or the answer broke off before it did. */
  estimated?: true;
}

export interface ToolDefinition {
  /** Name for the model, `server__tool`, matching `^[a-zA-Z0-9_-]{1,64}$`. */
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

/**
 * The tool that the model must call: any offered one, or the one of this name. `none`: the model must not call a tool, although some are
 * offered.
 */
export type ToolChoice = "required" | "none" | { name: string };

/** Form of a final answer: one JSON value that is valid against the schema. */
export interface OutputFormat {
  jsonSchema: JsonSchema;
  /** Name of the format, for providers that need one; matches `^[a-zA-Z0-9_-]{1,64}$`. Default: `answer`. */
  name?: string;
  /** True: the provider enforces the whole schema, and refuses one that it cannot enforce. */
  strict?: boolean;
}

/** Returns an instruction for the model to answer in this form, since not every provider enforces a schema. */
export function formInstruction(jsonSchema: JsonSchema): string {
  return (
    "Your final answer is read by a program: it has to be one JSON value that is valid against this JSON Schema, " +
    `and nothing else, neither words nor a code fence around it.\n${JSON.stringify(jsonSchema)}`
  );
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
  /** Form of the final answer, enforced by the provider if its API can do so. An answer that calls tools is not final. */
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

export interface ToolResult {
  content: ContentPart[];
  isError: boolean;
  /**
   * Ids of stored results, of which `content` shows only the beginning and the end. Every conversation whose log names them may read them.
   */
  resultIds?: string[];
  /** Names of tools offered to the model from here on, in addition to earlier ones. */
  found?: string[];
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

/** Formats a link for a model, which may open it with a tool. */
export function linkText({ uri, name, mimeType }: Extract<ContentPart, { type: "resource_link" }>): string {
  const facts = [name, mimeType].filter(Boolean).join(", ");
  return `[resource ${uri}${facts ? ` (${facts})` : ""}]`;
}

/** Builds the message that gives a tool's result to the model. */
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

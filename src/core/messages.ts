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

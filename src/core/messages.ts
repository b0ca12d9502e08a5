/** The message model of all layers. Messages in other formats (OpenAI, MCP, YAML) are converted where they enter or leave the program. */

export type JsonSchema = Record<string, unknown>;

export type ContentPart =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "audio"; data: string; mimeType: string }
  /** A PDF. `data` is base64, as in pictures and sound. */
  | { type: "file"; data: string; mimeType: string; name?: string }
  | { type: "resource_link"; uri: string; name?: string; mimeType?: string };

/** A picture, sound or PDF with its data, not with an address. */
export type DataPart = Extract<ContentPart, { data: string }>;

export interface ToolCall {
  id: string;
  name: string;
  /**
   * JSON text exactly as the model wrote it. If it is not valid JSON, the call gets an error as its result; the text itself is never
   * replaced by `{}`.
   */
  arguments: string;
}

export interface AssistantMessage {
  role: "assistant";
  content: string;
  reasoning?: string;
  toolCalls: ToolCall[];
  /**
   * Parts of the answer that the provider wants back in later requests. Absent if there are none. If the answer was interrupted, they
   * contain neither reasoning nor calls.
   */
  kept?: KeptParts;
  /**
   * True if messages that the model had read when it wrote this one are no longer sent. Signatures in this message are then invalid, because
   * they also cover those messages. Not stored.
   */
  hasLostContext?: true;
}

/**
 * The parts of an answer, in order. Some of them, such as signed reasoning, are wanted back by the provider in later requests. The answer's
 * origin is stored too, because other providers refuse these parts. They are stored unchanged; each request decides which of them to send.
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

/**
 * A part of an answer. `extra` holds provider-specific keys of the text or call. The texts and arguments themselves are stored only in the
 * message.
 */
export type KeptPart =
  /** Reasoning, signed or encrypted, as the provider wrote it. */
  | { opaque: Readonly<Record<string, unknown>> }
  /** A text: its length in characters. In `content`, this text begins where the previous text ends. */
  | { text: number; extra?: Readonly<Record<string, unknown>> }
  /** A tool call: its index in `toolCalls`. */
  | { call: number; extra?: Readonly<Record<string, unknown>> };

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
   * Names of tools that are offered from this message on; see `ToolResult.found`. If an API can add tools in the middle of a conversation,
   * they are added here, and the list of tools at the front of the request stays unchanged.
   */
  found?: readonly string[];
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "unknown";

/** Token counts, named as in OpenTelemetry's GenAI conventions. A count that the provider did not report is absent, never 0. */
export interface Usage {
  /** All input tokens, including those read from a cache or written to it. */
  inputTokens: number;
  /** All output tokens, including reasoning. */
  outputTokens: number;
  /** Reasoning tokens; a part of `outputTokens`. */
  reasoningTokens?: number;
  /** Tokens read from the provider's cache; a part of `inputTokens`. */
  cachedTokens?: number;
  /** Tokens written to the provider's cache; a part of `inputTokens`. */
  cacheWriteTokens?: number;
  /** Tokens cached for an hour; a part of `cacheWriteTokens`. */
  cacheWrite1hTokens?: number;
}

/**
 * An answer that is billed although it is not the final one: it broke off after it had begun, or it lacked the requested form. The provider
 * bills the tokens that it had read and written by then.
 */
export interface LostAnswer {
  provider: string;
  model: string;
  /** Token counts that the provider reported. `outputTokens` is at least the number of tokens received. */
  usage: Partial<Usage> & Pick<Usage, "outputTokens">;
}

/** An answer to a request, with what its provider bills for it. */
export interface BilledAnswer {
  provider: string;
  model: string;
  /** Absent if the provider did not report what it read. `spent` then has an estimate. */
  usage?: Usage;
  spent?: Spent;
}

/** Tokens and dollars that one request cost. They count against limits. */
export interface Spent {
  tokens: number;
  /** Absent if the price is unknown; an unknown price is not 0. */
  usd?: number;
  /** True if the amounts are estimates, because the provider did not report usage or the answer broke off before the report. */
  estimated?: true;
}

export interface ToolDefinition {
  /** The tool's name for the model: `server__tool`. It matches `^[a-zA-Z0-9_-]{1,64}$`. */
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

/**
 * Whether the model must call a tool. `required`: any tool that is offered. `{ name }`: the tool of this name. `none`: the model must not
 * call a tool, although tools are offered.
 */
export type ToolChoice = "required" | "none" | { name: string };

/** Form of a final answer: one JSON value that is valid against the schema. */
export interface OutputFormat {
  jsonSchema: JsonSchema;
  /** Name of the format, for providers that need one; matches `^[a-zA-Z0-9_-]{1,64}$`. Default: `answer`. */
  name?: string;
  /** True if the provider must enforce the whole schema. The provider then refuses a schema that it cannot enforce. */
  strict?: boolean;
}

/** Returns an instruction for the model to answer in this form. The instruction is needed because not every provider enforces a schema. */
export function formInstruction(jsonSchema: JsonSchema): string {
  return (
    "Your final answer is read by a program: it has to be one JSON value that is valid against this JSON Schema, " +
    `and nothing else, neither words nor a code fence around it.\n${JSON.stringify(jsonSchema)}`
  );
}

/** Efforts of reasoning that callers may ask for. A model that does not know one answers as the provider decides. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

/** Kinds of content that not every model takes. */
export const mediaKinds = ["image", "audio", "file"] as const satisfies readonly DataPart["type"][];
export type MediaKind = (typeof mediaKinds)[number];

/** A model that a request names, and what is known of it. */
export interface FoundModel {
  provider: string;
  model: string;
  /** Text for people: the API that is used, and why, such as `chat, chosen by …`. */
  wire?: string;
  /** Content besides text that the model takes, as far as it is known. */
  takes?: readonly MediaKind[];
  /** In tokens. */
  contextWindow?: number;
  /** US dollars per million tokens. Undefined if the price is unknown. */
  price?: { input: number; output: number } | undefined;
}

/** A model that a person can choose. */
export interface ChoosableModel extends FoundModel {
  /** `provider/model`, as a message names it. */
  id: string;
}

export interface ChoosableModels {
  /** The configured models first, the active provider's before all. */
  models: readonly ChoosableModel[];
  /** Providers that did not answer, each with the reason. */
  problems: readonly { provider: string; message: string }[];
}

/**
 * Options for the answers of the model. They pass unchanged from the front doors (terminal, HTTP, …) to the wires, which put them into the
 * providers' requests.
 */
export interface AnswerOptions {
  /** The model: a model of the active provider, or `provider/model`. Default: the active provider's configured model. */
  model?: string;
  temperature?: number;
  /** How long the model reasons, in place of the configured `reasoning.effort`. */
  effort?: Effort;
  /** Maximum number of tokens of each answer. */
  maxTokens?: number;
  /**
   * Default: the model decides whether it calls a tool. Some providers ignore this choice. In a turn, the choice holds only for the first
   * answer.
   */
  toolChoice?: ToolChoice;
  /** False if the model should call only one tool in each answer. Some providers ignore this. */
  parallelToolCalls?: boolean;
  /** Form of the final answer. The provider enforces this form if its API allows that. An answer that calls tools is not final. */
  output?: OutputFormat;
}

export interface CompletionRequest extends AnswerOptions {
  messages: readonly Message[];
  /** Tools to offer. A definition is never changed once it has been sent: a new object replaces it. */
  tools: readonly ToolDefinition[];
  /** Id of the conversation. Providers use it for their prompt caches. */
  conversation?: string;
  /**
   * Estimated input tokens of a request that must reach the model uncut. A provider that silently cuts off long prompts is not asked if these tokens
   * exceed its window. That counts as its failure (`context_length`), so a fallback with a larger window is tried.
   */
  uncutTokens?: number;
  /**
   * True if the request fails at once while its provider pauses after a refusal. The error has the rest of the pause (`retryAfterMs`). For
   * callers that retry by themselves, so that their retries do not multiply those of this host. Otherwise the request waits as long as before
   * a retry.
   */
  refusesPause?: boolean;
}

export interface Completion {
  message: AssistantMessage;
  finishReason: FinishReason;
  provider: string;
  model: string;
  usage?: Usage;
  /** Number of HTTP requests sent for this completion: 1 if nothing was retried. */
  attempts: number;
  /** Answers that broke off before this one. */
  lost?: readonly LostAnswer[];
}

export type Delta = { type: "text_delta" | "reasoning_delta"; delta: string };

/** An event that voids all earlier deltas of this request, because the answer starts again. */
export type Discard = { type: "discard"; reason: string };

/** Events of one model request: any number of deltas, then exactly one completion. */
export type CompletionEvent = Delta | Discard | { type: "completion"; completion: Completion };

export interface ToolResult {
  content: ContentPart[];
  isError: boolean;
  /**
   * Ids of stored results, of which `content` shows only the beginning and the end. A conversation may read a stored result only if the log
   * of the conversation contains the result's id.
   */
  resultIds?: string[];
  /** Names of tools that are offered to the model from here on, in addition to the tools offered before. */
  found?: string[];
}

/** Media type of a picture behind an address. Its exact type is not known, because the host does not visit the address. */
export const unknownPicture = "image/*";

/**
 * For JSON.stringify: leaves out the type `unknownPicture`, so that a picture behind an address counts as the same content as in the logs of
 * versions that gave it no type.
 */
export function withoutUnknownPicture(key: string, value: unknown): unknown {
  return key === "mimeType" && value === unknownPicture ? undefined : value;
}

/**
 * Returns true for the address of a picture that a provider may be able to fetch. If a user's message has such a link, requests hold the
 * picture by its address. The types are those that the APIs of OpenAI and Anthropic accept; `image/*` is a picture of unknown type.
 */
export function isPictureAddress(part: ContentPart): boolean {
  if (part.type !== "resource_link") return false;
  return /^https?:\/\//i.test(part.uri) && /^image\/(\*|png|jpe?g|gif|webp)$/i.test(part.mimeType ?? "");
}

/** Formats a link as text for a model. The model may open the link with a tool. */
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
  const noted: ContentPart[] = note === undefined ? content : [...content, { type: "text", text: note }];
  const message: ToolMessage = { role: "tool", toolCallId: id, content: noted, isError };
  return found ? { ...message, found } : message;
}

export function textOf(content: readonly ContentPart[]): string {
  return content
    .filter((part) => part.type === "text")
    .map((part) => part.text)
    .join("\n");
}

/** Formats the parts of a message as text. A text part stays unchanged; any other part becomes its type or address in brackets. */
export function partsText(parts: readonly ContentPart[]): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      if (part.type === "resource_link") return `[${part.uri}]`;
      return `[${part.type}, ${part.mimeType}]`;
    })
    .join("\n");
}

import type { LimitsConfig, Permissions, StreamRecovery, TitlesConfig } from "../../core/config.js";
import type { AnswerOptions, ContentPart, Message, ToolDefinition } from "../../core/messages.js";
import type { CarriedTrace } from "../../core/trace-context.js";

/**
 * Options of one turn. They are stored as JSON with the turn, so that a host that resumes the turn uses the same options. If the last
 * answer does not have the form that `output` requires, another answer is requested once. If that answer does not have this form either,
 * the turn fails with an error of kind `output`.
 */
export interface PromptOptions extends AnswerOptions {
  streaming?: boolean;
  /** Set this to `restart` only if the watcher removes the shown text when it gets a `discard` event. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  system?: string;
  maxToolHops?: number;
  /** `auto` and `allow` are not stored: they hold on the host that gets them, and not on another one that continues the turn. */
  approval?: "ask" | "auto";
  /** `allow` holds patterns of tools and calls that need no approval. `deny` holds patterns of tools and calls that are forbidden. */
  allow?: readonly string[];
  deny?: readonly string[];
  /** If set, the turn can use only those tools and calls of servers that match one of these patterns. */
  only?: readonly string[];
  /** Tools that the caller runs itself. An answer with a call of such a tool ends the turn. The caller finds the call in that answer. */
  callerTools?: readonly ToolDefinition[];
  /** Texts that end an answer of the model. Calls and text behind them do not count. */
  stopSequences?: readonly string[];
  /**
   * True for the call of a program: there is nobody to ask, and the program repeats a failed call itself. Every question then counts as
   * answered with no, even if another host resumes the turn. While the provider pauses after a refusal, the turn's first request fails at
   * once.
   */
  unattended?: boolean;
  /**
   * True if only the caller's connection can receive the answer, because the caller has sent no request id. The turn is then cancelled when the
   * host of this connection ends, and no other host continues it.
   */
  endsWithCaller?: boolean;
  /** True if the conversation gets a title by the model when the turn has ended well, unless it has one (`chat.titles`). */
  isTitled?: boolean;
  /**
   * Maximum wall time of the turn, in ms. After this time, the turn stops with the stop reason `budget`. The time starts when the turn begins
   * to run, and starts again if the turn is resumed after a crash. The wait for earlier turns does not count.
   */
  timeoutMs?: number;
  /**
   * Name under which providers cache the beginning of prompts. Default: the id of the conversation. A caller that sends the whole history
   * with each request must give a name, because each of its requests creates a new conversation.
   */
  promptCacheName?: string;
  /**
   * True if the caller sends the whole history with each request. The host then shortens no message of it: only the caller can, so a history
   * that is too long fails with `context_length`. In later requests, text that this host has added to a message would be missing, so the
   * schema of the answer is put into the system prompt, not into a message.
   */
  bringsAll?: boolean;
  /** Trace of the caller, which the trace of the turn continues. */
  trace?: CarriedTrace | undefined;
}

export interface PromptRequest extends PromptOptions {
  /** Idempotency key, chosen by the caller. A request id is answered only once in a conversation. */
  requestId: string;
  text?: string;
  /** Content of the message, used in place of `text`. It may contain images, audio and resources. */
  content?: ContentPart[];
  /** True to cancel the earlier turns of this conversation, on any host. If false, the new turn waits for them. */
  interrupt?: boolean;
  /** Number of the event that the request continues. The request is rejected if a later request or a rewind has followed that event. */
  continues?: number | undefined;
  /** True if the conversation was made for an API call that names none. Its id may then begin with `single_`. */
  isSingleCall?: boolean;
  /**
   * Earlier messages that the caller sends along. The model reads them after the messages of the log and before the content of this
   * request.
   */
  history?: Message[];
  /** Ids of stored results that the turns in `history` name. The model may read them although the log of this conversation does not name them. */
  resultIds?: string[] | undefined;
  /** Only for calls of `/v1/responses`: further parameters of the call. They are stored with the request and do not affect the turn. */
  asked?: Readonly<Record<string, unknown>>;
}

export interface TurnDefaults {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  approval: "ask" | "auto";
  changedTools: "ask" | "allow";
  limits?: LimitsConfig;
  /** Default: the model is asked for no titles. */
  titles?: TitlesConfig;
  compaction: "auto" | "off";
  toolBudgetTokens: number;
  resultLimitTokens: number;
  permissions: Permissions;
}

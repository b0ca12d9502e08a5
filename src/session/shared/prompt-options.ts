import type { LimitsConfig, Permissions, StreamRecovery } from "../../core/config.js";
import type { OutputFormat, ToolChoice, ToolDefinition } from "../../core/messages.js";
import type { CarriedTrace } from "../../core/trace-context.js";

/**
 * Options of one turn that differ from the defaults. They are stored as JSON with the turn, so that a host that resumes the turn runs it in
 * the same way.
 */
export interface PromptOptions {
  streaming?: boolean;
  /** `restart` may be set if the watcher can void what it has shown, when it gets a `discard` event. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** Either a model of the active provider, as `model`, or a model of any provider, as `provider/model`. */
  model?: string;
  system?: string;
  maxToolHops?: number;
  approval?: "ask" | "auto";
  /** `allow`: patterns of tools and calls that need no approval. `deny`: patterns of tools and calls that are forbidden. */
  allow?: readonly string[];
  deny?: readonly string[];
  /** If set, the turn has only the server tools and calls that match one of these patterns. */
  only?: readonly string[];
  temperature?: number;
  /** Maximum number of tokens of each answer. */
  maxTokens?: number;
  /** Tools that the caller runs. An answer that calls one of them ends the turn; the caller finds the call in the answer. */
  callerTools?: readonly ToolDefinition[];
  /** The tool that the first answer must call. After the first answer the model decides. */
  toolChoice?: ToolChoice;
  /** If false, the model may call only one tool in each answer. */
  parallelToolCalls?: boolean;
  /**
   * Required form of the last answer. If the answer has another form, it is requested once more. If that fails too, the turn fails with the
   * error `output`.
   */
  output?: OutputFormat;
  /** True if there is nobody to ask. Then every question is answered with no, also on a host that resumes the turn. */
  unattended?: boolean;
  /** Wall time of the whole turn, in ms. Afterwards the turn stops as `budget`. The time starts anew if the turn resumes after a crash. */
  timeoutMs?: number;
  /**
   * Name of the dialogue, under which providers cache the beginning of its prompts. Default: the id of the conversation. Callers that send
   * the whole history with each request need a name, because each of their requests makes a new conversation.
   */
  dialogue?: string;
  /** Trace of the caller. The trace of the turn continues it. */
  trace?: CarriedTrace | undefined;
}

export interface TurnDefaults {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  approval: "ask" | "auto";
  changedTools: "ask" | "allow";
  limits?: LimitsConfig;
  compaction: "auto" | "off";
  toolBudgetTokens: number;
  resultLimitTokens: number;
  permissions: Permissions;
}

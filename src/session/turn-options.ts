import type { OutputFormat, ToolChoice, ToolDefinition } from "../core/chat.js";
import type { LimitsConfig, Permissions, StreamRecovery } from "../core/config.js";
import type { CarriedTrace } from "../core/trace-context.js";

/** How one turn runs where it differs from the defaults. Kept with the turn, as JSON: whoever goes on with it runs it the same way. */
export interface TurnOptions {
  streaming?: boolean;
  /** `restart`: the watcher can void what it has shown, at a `discard` event. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** `model` of the active provider, or `provider/model`. */
  model?: string;
  system?: string;
  maxToolHops?: number;
  approval?: "ask" | "auto";
  /** Patterns of tools and calls that need no approval, and of those that must not be. */
  allow?: readonly string[];
  deny?: readonly string[];
  /** Patterns of the only tools and calls of servers that there are for this turn. */
  only?: readonly string[];
  temperature?: number;
  /** Of each answer. */
  maxTokens?: number;
  /** Tools that the caller runs: an answer that calls one ends the turn, and the caller finds the call in it. */
  callerTools?: readonly ToolDefinition[];
  /** The tool that the turn begins with; after its first answer the model decides. */
  toolChoice?: ToolChoice;
  /** False: the model calls one tool at a time. */
  parallelToolCalls?: boolean;
  /** The form of the last answer. One that is not of it is asked for once more; then the turn fails (`output`). */
  output?: OutputFormat;
  /** Nobody can be asked: every question is answered with no, also where another process goes on with the turn. */
  unattended?: boolean;
  /** Wall time of the whole turn; at its end the turn stops as `budget`. A turn that goes on after a crash has it anew. */
  timeoutMs?: number;
  /** Names the dialogue to providers that keep what they have read of it. Default: the conversation, of which callers that bring their history have one a call. */
  dialogue?: string;
  /** The trace of the caller, which the turn's goes on with. */
  trace?: CarriedTrace | undefined;
}

/** How turns run unless their request says otherwise. */
export interface TurnDefaults {
  systemPrompt: string;
  streaming: boolean;
  maxToolHops: number;
  approval: "ask" | "auto";
  changedTools: "ask" | "allow";
  limits?: LimitsConfig;
  compaction: "auto" | "off";
  /** Of all tool definitions in a request; beyond it the model has to search for the rest. */
  toolBudgetTokens: number;
  /** A longer tool result is stored, and shown in part. */
  resultLimitTokens: number;
  permissions: Permissions;
}

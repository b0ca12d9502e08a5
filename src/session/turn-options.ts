import type { OutputFormat, ToolChoice, ToolDefinition } from "../core/chat.js";
import type { LimitsConfig, Permissions, StreamRecovery } from "../core/config.js";
import type { CarriedTrace } from "../core/trace-context.js";

/** Options of one turn that differ from the defaults. Stored with the turn as JSON: any host that resumes it runs it the same way. */
export interface TurnOptions {
  streaming?: boolean;
  /** `restart`: the watcher can void what it has shown, at a `discard` event. Default: `fail`. */
  streamRecovery?: StreamRecovery;
  /** `model` of the active provider, or `provider/model`. */
  model?: string;
  system?: string;
  maxToolHops?: number;
  approval?: "ask" | "auto";
  /** Patterns of tools and calls that need no approval, and of those that are forbidden. */
  allow?: readonly string[];
  deny?: readonly string[];
  /** Patterns of the only server tools and calls that exist for this turn. */
  only?: readonly string[];
  temperature?: number;
  /** Per answer. */
  maxTokens?: number;
  /** Tools that the caller runs: an answer that calls one ends the turn and contains the call. */
  callerTools?: readonly ToolDefinition[];
  /** The tool that the turn begins with; after its first answer the model decides. */
  toolChoice?: ToolChoice;
  /** False: the model calls one tool at a time. */
  parallelToolCalls?: boolean;
  /** Form of the last answer. An answer of another form is requested once more; then the turn fails (`output`). */
  output?: OutputFormat;
  /** True if nobody can be asked: every question is answered with no, on any host that resumes the turn. */
  unattended?: boolean;
  /** Wall time of the whole turn, after which it stops as `budget`. Starts anew when the turn resumes after a crash. */
  timeoutMs?: number;
  /**
   * Names the dialogue for prompt caches of providers. Default: the conversation, which is a new one per call for callers that bring their
   * history.
   */
  dialogue?: string;
  /** The caller's trace, which the turn's trace continues. */
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

import type { StreamRecovery } from "../core/config.js";
import type { AssistantMessageEvent, QuestionEvent, StartedCall, StopReason } from "../core/events.js";
import type { FinishReason, OutputFormat, ToolChoice, ToolDefinition } from "../core/messages.js";
import type { Toolbox } from "../core/ports.js";
import type { TraceContext } from "../core/trace-context.js";
import type { CompleteOptions } from "../llm/client.js";
import type { PolicyRules } from "./policy.js";
import type { Budget } from "./turn-budget.js";

export interface Answer {
  finishReason: FinishReason;
  calls: readonly StartedCall[];
}

/** Record of the tools that the requests of the conversation have offered, over all its turns. */
interface OfferRecord {
  /** Sorts the tools by when they were first sent. New tools come last. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[];
  /** Returns what was sent to the model but is not in the log yet; the event of the answer stores it. */
  takeUnstored(): Pick<AssistantMessageEvent, "offered" | "catalogue">;
}

export interface TurnOptions {
  turnId: string;
  /** Span of the turn. Default: the root span of a trace derived from the turn's id. */
  trace?: TraceContext;
  conversation?: string;
  system: string;
  model?: string;
  streaming: boolean;
  /** `restart` may be set only if the client can void what it has already shown. */
  streamRecovery?: StreamRecovery;
  temperature?: number;
  /** Maximum number of tokens of each answer. */
  maxTokens?: number;
  /** Tools that the caller runs. They are offered along with the servers' tools. An answer that calls one ends the turn, see `runTurn`. */
  callerTools?: readonly ToolDefinition[];
  /** Decides the order of the tools in requests. Default: the order of the hub's list. */
  record?: OfferRecord;
  /**
   * Applies to the first answer only: a turn in which every answer had to call a tool would never end. The turn fails if the required tool
   * is not offered or the model does not call it.
   */
  toolChoice?: ToolChoice;
  /** If false, an answer may contain at most one tool call. Further calls are dropped; the model is not told. */
  parallelToolCalls?: boolean;
  /** Required form of the last answer. The caller must state it to the model, with `formInstruction`. */
  output?: OutputFormat;
  /**
   * Maximum number of requests in which the model may call tools. One more request without tool calls follows, so that the user gets an
   * answer.
   */
  maxToolHops: number;
  /** State from which to resume after a crash: the last answer, which is the end of the history, and what happened to its calls. */
  resume?: Answer & { hop: number };
  rules: PolicyRules;
  /** Limits at which the turn pauses and asks the person. Default: only the limit for loops. */
  budget?: Budget;
  /** Tools of the turn. Default: those of the orchestrator's own hub. */
  tools?: Toolbox;
  signal: AbortSignal;
  beforeRequest?: CompleteOptions["beforeRequest"];
  /**
   * Waits for the answer to a `question` event that was just stored. Resolves with `false` if the turn is cancelled meanwhile. Never
   * rejects.
   */
  answer: (question: QuestionEvent) => Promise<unknown>;
}

/** Abort reason of a turn that ran out of time. Its stop reason is `budget`, not `cancelled`. */
export class TimeLimitReached extends Error {}

export function abortReason(signal: Pick<AbortSignal, "reason">): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

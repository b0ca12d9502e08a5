import type { StreamRecovery } from "../core/config.js";
import type { AssistantMessageEvent, QuestionEvent, StartedCall, StopReason } from "../core/events.js";
import type { AnswerOptions, FinishReason, ToolDefinition } from "../core/messages.js";
import type { Toolbox } from "../core/ports.js";
import type { TraceContext } from "../core/trace-context.js";
import type { CompleteOptions } from "../llm/client.js";
import type { AskedLimit } from "./limit-gate.js";
import type { PolicyRules } from "./policy.js";
import type { Budget } from "./turn-budget.js";

export interface Answer {
  finishReason: FinishReason;
  calls: readonly StartedCall[];
}

/** The tools that the requests of all turns of the conversation have offered to the model. */
interface OfferRecord {
  /** Sorts the tools by the time at which each was first sent. Tools that were never sent come last. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[];
  /** Returns what the request offers and the log does not contain yet. It is stored with the event of the answer. */
  takeUnstored(): Pick<AssistantMessageEvent, "offered" | "catalogue">;
}

/**
 * Options of a run of the loop. The turn fails if the tool of `toolChoice` is not offered, or if the model does not call it. `toolChoice`
 * holds only for the first answer: if every answer had to call a tool, the turn would never end. If `parallelToolCalls` is false, all calls
 * of an answer but the first are dropped, and the model is not told. The caller must describe `output` to the model with `formInstruction`.
 */
export interface TurnOptions extends AnswerOptions {
  turnId: string;
  /** Span of the turn. Default: the root span of a trace derived from the turn's id. */
  trace?: TraceContext;
  conversation?: string;
  system: string;
  streaming: boolean;
  /** Recovery from a stream that breaks off. `restart` may be set only if the client can void text that it has already shown. */
  streamRecovery?: StreamRecovery;
  /**
   * Tools that the caller runs. They are offered together with the servers' tools. If an answer calls one of them, the turn ends; see
   * `runTurn`.
   */
  callerTools?: readonly ToolDefinition[];
  /** `uncutTokens` of the first request. The later requests also have what this host has added, and may be cut. */
  uncutTokens?: CompleteOptions["uncutTokens"];
  /** Texts that end an answer and with it the turn: see `endedAt`. */
  stopSequences?: readonly string[];
  /** Decides the order of the tools in requests. Default: the order of the hub's list. */
  record?: OfferRecord;
  /**
   * Maximum number of requests in which the model may call tools. After that, one more request without tool calls follows, so that the user
   * gets an answer.
   */
  maxToolHops: number;
  /**
   * State from which the turn resumes after a crash: its last answer, with which the history ends, and the progress of that answer's calls.
   */
  resume?: Answer & { hop: number };
  rules: PolicyRules;
  /**
   * Counts what the turn uses against the limits at which the turn pauses and asks the person. Default: there is only the limit for loops.
   */
  budget?: Budget;
  /** Questions about limits that the turn asked before it resumed, in their order. */
  askedLimits?: readonly AskedLimit[];
  /** Tools of the turn. Default: those of the orchestrator's own hub. */
  tools?: Toolbox;
  signal: AbortSignal;
  beforeRequest?: CompleteOptions["beforeRequest"];
  /**
   * Waits for the answer to a `question` event that has just been stored. Resolves with `false` if the turn is cancelled meanwhile, or if
   * `over` aborts because nobody waits for the answer any more. Never rejects.
   */
  answer: (question: QuestionEvent, over?: AbortSignal) => Promise<unknown>;
}

/** Abort reason of a turn that ran out of time. The turn's stop reason is then `budget` instead of `cancelled`. */
export class TimeLimitReached extends Error {}

export function abortReason(signal: Pick<AbortSignal, "reason">): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

import type {
  AssistantMessageEvent,
  FinishReason,
  OutputFormat,
  QuestionEvent,
  StartedCall,
  StopReason,
  ToolChoice,
  ToolDefinition,
} from "../core/chat.js";
import type { StreamRecovery } from "../core/config.js";
import type { Toolbox } from "../core/ports.js";
import type { TraceContext } from "../core/trace-context.js";
import type { CompleteOptions } from "../llm/client.js";
import type { Budget } from "./budget.js";
import type { PolicyRules } from "./policy.js";

export interface Answer {
  finishReason: FinishReason;
  calls: readonly StartedCall[];
}

/** A record of the tools that the conversation's requests have offered, over all its turns. */
interface OfferRecord {
  /** Sorts the tools by their first sending, new ones last. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[];
  /** Returns what was sent but is not in the log yet, for the event of the answer. */
  takeUnstored(): Pick<AssistantMessageEvent, "offered" | "catalogue">;
}

export interface TurnOptions {
  turnId: string;
  /** The turn's span. Default: the root of the trace with the turn's id. */
  trace?: TraceContext;
  conversation?: string;
  system: string;
  model?: string;
  streaming: boolean;
  /** `restart` if the client can void what it has shown. */
  streamRecovery?: StreamRecovery;
  temperature?: number;
  /** Limit of each answer. */
  maxTokens?: number;
  /** Tools that the caller runs, offered with the servers' tools: an answer that calls one ends the turn, see `runTurn`. */
  callerTools?: readonly ToolDefinition[];
  /** Default: tools go in the order of their list. */
  record?: OfferRecord;
  /**
   * Choice for the first answer only, since a turn whose every answer calls a tool never ends. The turn fails if no such tool is offered or
   * the model calls none.
   */
  toolChoice?: ToolChoice;
  /** False: an answer has at most one tool call; further ones are dropped, and the model is not notified. */
  parallelToolCalls?: boolean;
  /** The form of the last answer. The caller puts `formInstruction` into `system`. */
  output?: OutputFormat;
  /** Model requests that may use tools. One more, without calls, follows so that the user gets an answer. */
  maxToolHops: number;
  /** State to resume from after a crash: the last answer, with which the history ends, and the outcomes of its calls. */
  resume?: Answer & { hop: number };
  rules: PolicyRules;
  /** Limits at which the turn pauses and asks. Default: only a loop. */
  budget?: Budget;
  /** Default: the orchestrator's own hub. */
  tools?: Toolbox;
  signal: AbortSignal;
  beforeRequest?: CompleteOptions["beforeRequest"];
  /** Waits for the answer to a `question` event that was just stored; `false` if the turn is cancelled meanwhile. Never rejects. */
  answer: (question: QuestionEvent) => Promise<unknown>;
}

/** Abort reason that ends a turn as `budget`, not as `cancelled`. */
export class TimeLimitReached extends Error {}

export function abortReason(signal: Pick<AbortSignal, "reason">): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

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

/** What the turn needs to know of an answer of the model once it is in the messages. */
export interface Answer {
  finishReason: FinishReason;
  calls: readonly StartedCall[];
}

/** What the conversation's requests have offered, over all its turns. */
interface OfferRecord {
  /** The tools in the order of their first sending, new ones last. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[];
  /** What the log does not have yet of what was sent, for the event of the answer. */
  takeUnstored(): Pick<AssistantMessageEvent, "offered" | "catalogue">;
}

export interface TurnOptions {
  turnId: string;
  /** The turn's span. Default: it begins the trace of its id. */
  trace?: TraceContext;
  /** As in the completion's request. */
  conversation?: string;
  system: string;
  model?: string;
  streaming: boolean;
  /** Whether the watcher can void what it has shown. */
  streamRecovery?: StreamRecovery;
  temperature?: number;
  /** Of each answer. */
  maxTokens?: number;
  /** Offered beside the servers' tools, and run by whoever asked for the turn: an answer that calls one ends it, see `runTurn`. */
  callerTools?: readonly ToolDefinition[];
  /** Default: tools go in the order of their list. */
  record?: OfferRecord;
  /** Of the first answer, since a turn whose every answer calls a tool never ends. The turn fails where no such tool is offered or the model calls none. */
  toolChoice?: ToolChoice;
  /** False: an answer has one tool call at most; of further ones, which a provider sent all the same, the model is not told. */
  parallelToolCalls?: boolean;
  /** The form of the last answer. The model is told so in `system`, see `formInstruction`. */
  output?: OutputFormat;
  /** Model requests that may use tools. One more, in which none may be called, follows so that the user gets an answer. */
  maxToolHops: number;
  /** Where the turn goes on after a process died: its last answer, which the history ends with, and what became of that one's calls. */
  resume?: Answer & { hop: number };
  rules: PolicyRules;
  /** Where the turn pauses and asks. Default: at a loop only. */
  budget?: Budget;
  /** Default: what the orchestrator was made with. */
  tools?: Toolbox;
  signal: AbortSignal;
  /** As in the client's CompleteOptions. */
  beforeRequest?: CompleteOptions["beforeRequest"];
  /** Waits for the answer to a `question` event that was just stored; `false` when the turn is cancelled meanwhile. Never rejects. */
  answer: (question: QuestionEvent) => Promise<unknown>;
}

/** Aborting a turn's signal with this reason ends it as `budget`, not as `cancelled`. */
export class TimeLimitReached extends Error {}

/** How an aborted turn ends. */
export function abortReason(signal: Pick<AbortSignal, "reason">): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

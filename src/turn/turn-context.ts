import type { StreamRecovery } from "../core/config.js";
import type { AssistantMessageEvent, QuestionEvent, StartedCall, StopReason } from "../core/events.js";
import type { NewId } from "../core/ids.js";
import type { AnswerOptions, FinishReason, ToolDefinition } from "../core/messages.js";
import type { Toolbox } from "../core/ports.js";
import type { TraceContext } from "../core/trace-context.js";
import type { CompleteOptions } from "../llm/call/call.js";
import type { LlmClient } from "../llm/client.js";
import type { Loops } from "./loops.js";
import type { EventQueue } from "./outlet.js";
import type { PolicyRules } from "./policy.js";
import type { TurnPrices } from "./spending.js";
import type { Budget } from "./turn-budget.js";

export interface Answer {
  finishReason: FinishReason;
  calls: readonly StartedCall[];
}

/** State from which a turn resumes after a crash: its last answer, with which the history ends, and the progress of that answer's calls. */
export interface ResumedAnswer extends Answer {
  hop: number;
}

/** The tools that the requests of all turns of the conversation have offered to the model. */
interface OfferedTools {
  /** Sorts the tools by the time at which each was first sent. Tools that were never sent come last. */
  sorted<Tool extends { readonly name: string }>(tools: readonly Tool[]): readonly Tool[];
  /** Returns what the request offers and the log does not contain yet. It is stored with the event of the answer. */
  takeUnstored(): Pick<AssistantMessageEvent, "offered" | "catalogue">;
}

/**
 * Choices of the caller of a turn for its answers. The turn fails if the tool of `toolChoice` is not offered, or if the model does not call
 * it. `toolChoice` holds only for the first answer: if every answer had to call a tool, the turn would never end. If `parallelToolCalls` is
 * false, all calls of an answer but the first are dropped, and the model is not told. `output` must be described to the model with
 * `formInstruction`.
 */
export interface TurnChoices extends AnswerOptions {
  /** Recovery from a stream that breaks off. `restart` may be set only if the client can void text that it has already shown. */
  streamRecovery?: StreamRecovery;
  /** Tools that the caller runs. They are offered together with the servers' tools. If an answer calls one of them, the turn ends. */
  callerTools?: readonly ToolDefinition[];
  /** True if a program waits for the answer and repeats a call that fails. See `PromptOptions`. */
  unattended?: boolean;
  /** Texts that end an answer and with it the turn: see `endedAt`. */
  stopSequences?: readonly string[];
}

/** Waits for the answer to a question that has just been stored. Resolves with `false` if the turn is cancelled, or if `over` aborts. */
export type AnswerTo = (question: QuestionEvent, over?: AbortSignal) => Promise<unknown>;

/**
 * A turn that runs, as its loop, its requests and its tool calls see it. It is built once for each run of the turn and passed whole, to the client
 * of models too. For the turns of a conversation it is `session/turns/running-turn.ts`.
 */
export interface TurnContext extends Readonly<CompleteOptions> {
  readonly turnId: string;
  readonly options: TurnChoices;
  /**
   * Maximum number of requests in which the model may call tools. After that, one more request without tool calls follows, so that the user
   * gets an answer.
   */
  readonly maxToolHops: number;
  /** Name under which providers cache the beginning of the turn's prompts. */
  readonly promptCacheName: string | undefined;
  readonly llm: LlmClient;
  readonly newId: NewId;
  readonly trace: TraceContext;
  readonly signal: AbortSignal;
  readonly rules: PolicyRules;
  readonly tools: Toolbox;
  /** Decides the order of the tools in requests. Default: the order of `tools`. */
  readonly record?: OfferedTools;
  /** Counts what the turn uses against the limits at which the turn pauses and asks the person. */
  readonly budget: Budget;
  readonly prices: TurnPrices;
  readonly loops: Loops;
  readonly out: EventQueue;
  /** Never rejects. Stops the clock of the budget meanwhile. */
  answer: AnswerTo;
}

/** Abort reason of a turn that ran out of time. The turn's stop reason is then `budget` instead of `cancelled`. */
export class TimeLimitReached extends Error {}

export function abortReason(signal: Pick<AbortSignal, "reason">): StopReason {
  return signal.reason instanceof TimeLimitReached ? "budget" : "cancelled";
}

/** Builds the messages with which the model reads the conversation, so that they fit into the model's window. */
import type { ChatEvent, CompactionEvent, StoredEvent } from "../../core/events.js";
import type { Message } from "../../core/messages.js";
import type { TraceContext } from "../../core/trace-context.js";
import { planCompaction } from "../../log/folds/compaction.js";
import { textTokens, tokenFactor, tokensOf } from "../../log/folds/estimate.js";
import { type ResumePoint, resumeTurn, trimTurns, withSummary } from "../../log/folds/replay.js";
import type { Orchestrator } from "../../turn/orchestrator.js";
import type { FailedSummaries } from "../shared/failed-summaries.js";
import { summarise } from "./compactor.js";

interface TurnHistoryParts {
  conversationId: string;
  failedSummaries: FailedSummaries;
  orchestrator: Orchestrator;
  /** Events of the conversation. The array grows while the turn runs. */
  log: readonly StoredEvent[];
  turnId: string;
  trace: TraceContext;
  model?: string;
  /** Number of tokens in each request that do not belong to the history: system prompt and tools. */
  besideTokens: number;
  compaction: "auto" | "off";
  signal: AbortSignal;
  /** Stores an answer that contained no summary but costs money. */
  store: (events: readonly ChatEvent[]) => Promise<void>;
  /** Returns true if the user's limits allow another request with about this many tokens. */
  mayAsk: (tokens: number) => Promise<boolean>;
  beforeRequest: () => Promise<void> | undefined;
}

/** Maximum share of the model's window that the history may take. The answer gets at least `answerShare` of the window. */
const historyShare = 0.75;
const answerShare = 0.125;
/**
 * Share of the room for the history that the latest turns may fill after a summary. The remaining room delays the next summary by some
 * turns.
 */
const keptShare = 0.3;
/** Limits of what the model reads to write a summary: `summaryShare` of its window, and `maxSummaryInputTokens`. */
const summaryShare = 0.5;
const maxSummaryInputTokens = 50_000;
/**
 * If the older turns have fewer tokens in all than this, they are not summarised: the request would cost money, and the summary would
 * hardly be shorter than the turns.
 */
const leastWorthTokens = 200;

export class TurnHistory {
  readonly #parts: TurnHistoryParts;
  /** Ratio of the model's own count of tokens to this host's estimate. */
  readonly #factor: number;
  readonly #window: number;
  /** Room for the history, in tokens as this host estimates them. */
  #room: number;
  /** True if this turn should not request a summary, because an earlier attempt failed. Undefined until this is looked up. */
  #skips: boolean | undefined;
  #known: { length: number; turn: ReturnType<typeof resumeTurn> } | undefined;

  constructor(parts: TurnHistoryParts) {
    this.#parts = parts;
    const { provider, model, contextWindow } = parts.orchestrator.facts(parts.model);
    this.#factor = tokenFactor(parts.log, { provider, model });
    this.#window = contextWindow / this.#factor;
    this.#room = Math.max(
      0,
      Math.min(this.#window * historyShare, this.#window * (1 - answerShare) - parts.besideTokens),
    );
  }

  /**
   * Returns the messages for the model, and the point at which an interrupted turn resumes. Leaves out messages that do not fit;
   * `trimTurns` decides which.
   */
  fold(): { messages: Message[]; point?: ResumePoint } {
    const { messages, summary, point } = this.#resumed();
    const summaryTokens = summary === undefined ? 0 : textTokens(summary);
    return { messages: withSummary(trimTurns(messages, this.#room - summaryTokens), summary), point };
  }

  /**
   * Summarises older turns if the history does not fit or `wanted` is true. Resolves with the event to store before the next request, or
   * with undefined if no summary was made.
   */
  async compaction(wanted: boolean): Promise<CompactionEvent | undefined> {
    const tokens = this.#foldTokens();
    if (wanted) return this.#compact(0);
    if (tokens <= this.#room || this.#skipsSummary()) return undefined;
    return this.#compact(this.#room * keptShare);
  }

  /**
   * Shortens the history after the model refused a request as too long. If a summary made the history shorter, `compaction` is an event
   * that must be stored before the next request. Resolves with undefined if nothing can be left out; sending the request again would be
   * pointless then.
   */
  async shorten(): Promise<{ compaction?: CompactionEvent } | undefined> {
    const tokens = this.#foldTokens();
    const compaction = this.#skipsSummary() ? undefined : await this.#compact(tokens / 4);
    if (compaction) return { compaction };
    const { messages } = this.#resumed();
    const spared = tokens - tokensOf(trimTurns(messages, tokens / 2));
    if (spared < leastWorthTokens) return undefined;
    this.#room = tokens / 2;
    return {};
  }

  /** Computes from the log how the turn resumes. The result is computed again only when the log has grown. */
  #resumed(): ReturnType<typeof resumeTurn> {
    const { log, turnId } = this.#parts;
    if (this.#known?.length !== log.length) this.#known = { length: log.length, turn: resumeTurn(log, turnId) };
    return this.#known.turn;
  }

  #foldTokens(): number {
    const { messages, summary } = this.#resumed();
    return tokensOf(withSummary(messages, summary));
  }

  async #compact(keepTokens: number): Promise<CompactionEvent | undefined> {
    const { orchestrator, log, turnId, trace, model, compaction, signal, beforeRequest } = this.#parts;
    const { conversationId, failedSummaries, store, mayAsk } = this.#parts;
    if (compaction === "off" || signal.aborted) return undefined;
    const plan = planCompaction(log, turnId, keepTokens);
    if (!plan || plan.tokens < leastWorthTokens) return undefined;
    const maxTokens = Math.min(this.#window * summaryShare, maxSummaryInputTokens);
    if (!(await mayAsk(Math.min(plan.tokens, maxTokens)))) return undefined;
    const maxBytes = Math.floor(maxTokens * 4);
    const answer = await summarise(orchestrator, plan, { turnId, trace, model, maxBytes, signal, beforeRequest });
    const summary = answer?.type === "compaction" ? answer : undefined;
    if (answer && !summary) await store([answer]);
    if (signal.aborted) return summary;
    this.#skips = summary === undefined;
    failedSummaries.note(conversationId, this.#skips);
    return summary;
  }

  /**
   * Returns true if this turn should not request a summary. Looks it up only once in a turn, because each look-up counts as a skipped turn.
   */
  #skipsSummary(): boolean {
    this.#skips ??= this.#parts.failedSummaries.skips(this.#parts.conversationId);
    return this.#skips;
  }
}

/** What a turn tells the model of the conversation, within what the model can take. */
import type { ChatEvent, CompactionEvent, Message, StoredEvent } from "../core/chat.js";
import type { TraceContext } from "../core/trace-context.js";
import { planCompaction } from "../history/compaction.js";
import { textTokens, tokenFactor, tokensOf } from "../history/estimate.js";
import { type ResumePoint, resumeTurn, trimTurns, withSummary } from "../history/replay.js";
import type { Orchestrator } from "../orchestrator/orchestrator.js";
import { summarise } from "./compactor.js";
import type { FailedSummaries } from "./failed-summaries.js";

interface TurnHistoryParts {
  conversationId: string;
  failedSummaries: FailedSummaries;
  orchestrator: Orchestrator;
  /** Grows while the turn runs. */
  log: readonly StoredEvent[];
  turnId: string;
  /** The turn's span. */
  trace: TraceContext;
  model?: string;
  /** Tokens of what goes with the history: system prompt, tools. */
  besideTokens: number;
  compaction: "auto" | "off";
  signal: AbortSignal;
  /** Stores what a summary cost that did not come. */
  store: (events: readonly ChatEvent[]) => Promise<void>;
  /** Whether the user's limits leave room for another request of about so many tokens. */
  mayAsk: (tokens: number) => Promise<boolean>;
  /** As in the orchestrator's TurnOptions. */
  beforeRequest: () => Promise<void> | undefined;
}

/** The most of the model's window that history may fill, and the least that the answer is left. */
const historyShare = 0.75;
const answerShare = 0.125;
/** Of that room, what latest turns keep when the older ones are summarised: the next time is then some turns away. */
const keptShare = 0.3;
/** Share of the window, and tokens, that the model gets to read for a summary. */
const summaryShare = 0.5;
const maxSummaryInputTokens = 50_000;
/** A summary costs a request, and is hardly shorter than this itself. */
const leastWorthTokens = 200;

export class TurnHistory {
  readonly #parts: TurnHistoryParts;
  /** What the model's own counts make of an estimated token. */
  readonly #factor: number;
  readonly #window: number;
  /** Estimated tokens. */
  #room: number;
  /** This turn asks for no summary, because the last one failed. */
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

  /** The messages, and where the turn goes on. What has no room even so is left out, as `trimTurns` says. */
  fold(): { messages: Message[]; point?: ResumePoint } {
    const { messages, summary, point } = this.#resumed();
    const summaryTokens = summary === undefined ? 0 : textTokens(summary);
    return { messages: withSummary(trimTurns(messages, this.#room - summaryTokens), summary), point };
  }

  /** The summary to store first, when older turns have no room any more or `wanted`. */
  async compaction(wanted: boolean): Promise<CompactionEvent | undefined> {
    const tokens = this.#foldTokens();
    if (wanted) return this.#compact(0);
    if (tokens <= this.#room || this.#skipsSummary()) return undefined;
    return this.#compact(this.#room * keptShare);
  }

  /**
   * The model has refused the turn's request as too long. Whether it is worth sending again: what is there to be stored first, if
   * anything, comes with it. Undefined when there is nothing to leave out.
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

  /** Once for each length of the log. */
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

  /** Asked of the conversation once in the turn. */
  #skipsSummary(): boolean {
    this.#skips ??= this.#parts.failedSummaries.skips(this.#parts.conversationId);
    return this.#skips;
  }
}

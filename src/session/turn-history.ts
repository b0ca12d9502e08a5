/** Builds what a turn tells the model of the conversation, within the model's window. */
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
  trace: TraceContext;
  model?: string;
  /** Tokens sent with the history: system prompt and tools. */
  besideTokens: number;
  compaction: "auto" | "off";
  signal: AbortSignal;
  /** Stores what a failed summary cost. */
  store: (events: readonly ChatEvent[]) => Promise<void>;
  /** True if the user's limits leave room for another request of about this many tokens. */
  mayAsk: (tokens: number) => Promise<boolean>;
  beforeRequest: () => Promise<void> | undefined;
}

/** Share of the model's window that history may fill at most, and share that the answer gets at least. */
const historyShare = 0.75;
const answerShare = 0.125;
/** Share of that room which the latest turns keep when older ones are summarised, so that the next summary is some turns away. */
const keptShare = 0.3;
/** Share of the window, and tokens, that the model reads at most for a summary. */
const summaryShare = 0.5;
const maxSummaryInputTokens = 50_000;
/** Shorter histories are not summarised: a summary costs a request and is hardly shorter than this itself. */
const leastWorthTokens = 200;

export class TurnHistory {
  readonly #parts: TurnHistoryParts;
  /** Ratio of the model's own token counts to estimated tokens. */
  readonly #factor: number;
  readonly #window: number;
  /** In estimated tokens. */
  #room: number;
  /** True if this turn requests no summary because the last one failed. */
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

  /** Returns the messages and the point at which the turn resumes. Drops what still has no room, as `trimTurns` says. */
  fold(): { messages: Message[]; point?: ResumePoint } {
    const { messages, summary, point } = this.#resumed();
    const summaryTokens = summary === undefined ? 0 : textTokens(summary);
    return { messages: withSummary(trimTurns(messages, this.#room - summaryTokens), summary), point };
  }

  /** Returns the summary to store first, if older turns do not fit or it is `wanted`. */
  async compaction(wanted: boolean): Promise<CompactionEvent | undefined> {
    const tokens = this.#foldTokens();
    if (wanted) return this.#compact(0);
    if (tokens <= this.#room || this.#skipsSummary()) return undefined;
    return this.#compact(this.#room * keptShare);
  }

  /**
   * Shortens the history after the model refused the request as too long. Returns the summary to store first, if any; undefined if nothing
   * can be left out, so that sending again is pointless.
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

  /** Returns the resumed turn, computed once per length of the log. */
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

  /** Looks up once per turn whether to skip the summary. */
  #skipsSummary(): boolean {
    this.#skips ??= this.#parts.failedSummaries.skips(this.#parts.conversationId);
    return this.#skips;
  }
}

/** Builds the messages with which the model reads the conversation, so that they fit into the model's window. */
import type { Message } from "../../core/messages.js";
import { comparedBefore } from "../../log/folds/checkpoint.js";
import { planCompaction, planTrim } from "../../log/folds/compaction.js";
import { cutResults, cutToFit } from "../../log/folds/cut-messages.js";
import { textTokens, tokenFactor, tokensOf } from "../../log/folds/estimate.js";
import { type ResumePoint, resumeTurn, withSummary } from "../../log/folds/replay.js";
import { summarise } from "./compactor.js";
import type { RunningTurn } from "./running-turn.js";
import type { TurnPrompt } from "./turn-prompt.js";

/** Maximum share of the model's window that the history may take. The answer gets at least `answerShare` of the window. */
const historyShare = 0.75;
const answerShare = 0.125;
/**
 * Share of the room for the history that is still filled once older turns were summarised or left out. Requests begin differently then, and
 * providers cache their beginnings, so this should be rare: the rest of the room is half of the model's window.
 */
const keptShare = 1 / 3;
/** Tokens of the room that a summary takes, at most. It has a few hundred words. */
const maxSummaryTokens = 1_000;
const maxSummaryRoomShare = 1 / 12;
/** Limits of what the model reads to write a summary: `summaryInputShare` of its window, and `maxSummaryInputTokens`. */
const summaryInputShare = 0.5;
const maxSummaryInputTokens = 50_000;
/**
 * If the older turns have fewer tokens in all than this, they are not summarised: the request would cost money, and the summary would
 * hardly be shorter than the turns. For the same reason a refused request is not sent again without them.
 */
const leastWorthTokens = 200;

export class TurnHistory {
  readonly #turn: RunningTurn;
  /** Ratio of the model's own count of tokens to this host's estimate. */
  readonly #factor: number;
  readonly #window: number;
  /** Room for the history, in tokens as this host estimates them. Infinite if `bringsAll`, until `shorten` sets a limit. */
  #room: number;
  /** True if this turn has requested a summary in vain. It does not try again. */
  #hasFailed = false;
  /** Tokens that the messages of the last `fold` lack, because they would not fit. */
  #leftOut = 0;
  #known: { length: number; turn: ReturnType<typeof resumeTurn> } | undefined;

  constructor(turn: RunningTurn, prompt: TurnPrompt) {
    this.#turn = turn;
    const { provider, model, contextWindow } = turn.llm.resolve(turn.options.model);
    const { events, checkpoint } = turn.log;
    const target = { provider: provider.name, model };
    this.#factor = tokenFactor(events, target, comparedBefore(checkpoint, target));
    this.#window = contextWindow / this.#factor;
    const room = Math.min(this.#window * historyShare, this.#window * (1 - answerShare) - prompt.tokens([]));
    this.#room = turn.options.bringsAll ? Number.POSITIVE_INFINITY : Math.max(0, room);
  }

  /**
   * Returns the messages for the model, and the point at which an interrupted turn resumes. Of a history that the caller keeps (`bringsAll`),
   * the oldest messages are left out once `shorten` has set a limit. If the turn alone does not fit, its oldest results are shortened.
   */
  fold(): { messages: Message[]; point?: ResumePoint } {
    const { messages, summary, point } = this.#resumed();
    const room = this.#room - (summary === undefined ? 0 : textTokens(summary));
    const own = this.#turn.options.bringsAll ? cutToFit(messages, room) : messages;
    const sent = withSummary(cutResults(own, room), summary);
    this.#leftOut = this.#foldTokens() - tokensOf(sent);
    return { messages: sent, point };
  }

  /** Summarises older turns if the history does not fit or `wanted` is true. Leaves them out if that gives no summary that fits. */
  async makeRoom(wanted: boolean): Promise<void> {
    if (wanted) await this.#compact(0);
    if (this.#foldTokens() <= this.#room) return;
    const kept = this.#room * keptShare;
    await this.#compact(kept - Math.min(maxSummaryTokens, this.#room * maxSummaryRoomShare));
    if (this.#foldTokens() > this.#room) await this.#trim(kept, () => tokensOf(this.fold().messages) <= this.#room);
  }

  /**
   * Shortens the history after the model refused a request as too long. Resolves with false if too little can be left out; sending the
   * request again would be pointless then. Also resolves with false if the caller keeps the history and no tool has run: the caller gets the
   * refusal and shortens the history itself.
   */
  async shorten(): Promise<boolean> {
    if (this.#turn.options.bringsAll && !this.#resumed().point) return false;
    const sent = this.#foldTokens() - this.#leftOut;
    if ((await this.#compact(sent / 4)) || (await this.#compact(0))) return true;
    this.#room = sent / 2;
    const isShorter = () => sent - tokensOf(this.fold().messages) >= leastWorthTokens;
    // Turns are left out without a summary only if no summary is possible, or if shorter results of this turn do not save enough.
    const mayTrim = this.#turn.settings.defaults.compaction === "off" || this.#hasFailed;
    if (!mayTrim && isShorter()) return true;
    await this.#trim(sent / 2, isShorter, leastWorthTokens);
    return isShorter();
  }

  /** Computes from the log how the turn resumes. The result is computed again only when the log has grown. */
  #resumed(): ReturnType<typeof resumeTurn> {
    const { log, turnId } = this.#turn;
    const { length } = log.events;
    if (this.#known?.length !== length) this.#known = { length, turn: resumeTurn(log.events, turnId) };
    return this.#known.turn;
  }

  #foldTokens(): number {
    const { messages, summary } = this.#resumed();
    return tokensOf(withSummary(messages, summary));
  }

  /** Summarises the turns that do not fit into `keepTokens`. Resolves with true if there is a new summary. */
  async #compact(keepTokens: number): Promise<boolean> {
    const { log, turnId, settings, parts, budget, signal, out } = this.#turn;
    if (settings.defaults.compaction === "off" || signal.aborted || this.#hasFailed) return false;
    const maxTokens = Math.min(this.#window * summaryInputShare, maxSummaryInputTokens);
    const { checkpoint, events } = log;
    // A summary also covers turns that were left out without one, as far as they may fit into the request for it.
    const trimmed = checkpoint?.isTrimmed
      ? await parts.logs.readTrimmed(parts.conversationId, checkpoint.from, maxTokens)
      : [];
    const plan = planCompaction([...trimmed, ...events], turnId, keepTokens);
    if (!plan || plan.tokens < leastWorthTokens) return false;
    if (!(await this.#mayAsk(Math.min(plan.tokens, maxTokens)))) return false;
    const answer = await summarise(this.#turn, plan, Math.floor(maxTokens * 4));
    if (answer) {
      await out.store(answer); // an answer without a summary is stored because it costs money
      if (answer.spent) budget.spend(answer.spent);
    }
    this.#hasFailed = answer?.type !== "compaction";
    return !this.#hasFailed;
  }

  /**
   * Returns true if the limits allow a request that cannot ask the user, with about this many tokens. If a limit is already reached, the turn's
   * own request will ask the user.
   */
  async #mayAsk(tokens: number): Promise<boolean> {
    const { budget, prices } = this.#turn;
    if (budget.limitsMoney && prices.unpriced !== undefined) return false;
    return (await budget.reached({ tokens, usd: 0 })) === undefined;
  }

  /**
   * Leaves out the oldest turns, so that the history fits into `keepTokens` if possible. The decision is stored, so that all later requests
   * begin alike, on every host, until the room is full again. Leaves out a task of the caller's tools only if it is not `isEnough` to shorten its results.
   * Does nothing if the turns have fewer than `leastTokens` in all.
   */
  async #trim(keepTokens: number, isEnough: () => boolean, leastTokens = 0): Promise<void> {
    const { log, turnId, out, signal } = this.#turn;
    const { summary = "" } = this.#resumed();
    for (const takesTask of [false, true]) {
      if (signal.aborted || (takesTask && isEnough())) return;
      const plan = planTrim(log.events, turnId, keepTokens - textTokens(summary), takesTask);
      if (plan && plan.tokens >= leastTokens) await out.store({ type: "trim", turnId, upToSeq: plan.upToSeq });
    }
  }
}

import { isYes } from "../core/approval.js";
import type { LimitQuestion, QuestionEvent, StopReason } from "../core/events.js";
import type { CompletionRequest } from "../core/messages.js";
import { estimateInput } from "./billed-tokens.js";
import { highestCost } from "./spending.js";
import type { Need } from "./turn-budget.js";
import type { TurnContext } from "./turn-context.js";

/** Number of tokens that the shortest useful answer needs. */
const leastAnswerTokens = 64;
/**
 * If a limit is about to end the turn, the model is asked for one last answer. That request has `maxTokens` only if the limits leave fewer
 * tokens than this.
 */
const longAnswerTokens = 4_096;

type LimitedTurn = Pick<TurnContext, "budget" | "turnId" | "newId" | "out" | "answer"> & {
  /** A fallback may be more expensive than the model that is asked first. */
  prices: Pick<TurnContext["prices"], "known">;
};

/** A question about a limit that the log of the turn contains. Without `answer`, it is still open. */
export interface AskedLimit {
  asked: QuestionEvent & { question: LimitQuestion };
  answer?: { value: unknown };
}

type NextRequest = Pick<CompletionRequest, "messages" | "tools">;

/**
 * Pauses a turn when it reaches a limit: before a request, and before a batch of calls. When the person refuses to raise the limit,
 * `stopReason` is set, and the turn does not pause any more. `beforeRequest` and `beforeCalls` return undefined if there is no need to
 * pause.
 */
export class LimitGate {
  readonly #turn: LimitedTurn;
  #refused: LimitQuestion | undefined;

  constructor(turn: LimitedTurn) {
    this.#turn = turn;
  }

  /**
   * Reason why the turn stops. Set when the person has refused to raise a limit, or when a front door that has no person to ask has
   * refused.
   */
  get stopReason(): StopReason | undefined {
    return this.#refused && (this.#refused.limit === "hops" ? "max_tool_hops" : "budget");
  }

  /**
   * Takes over the questions that the turn asked before its host died. Answers in the log count, and an open question is asked again under
   * its id.
   */
  async resume(earlier: readonly AskedLimit[]): Promise<void> {
    for (const { asked, answer } of earlier) {
      this.#settle(asked.question, answer ? answer.value : await this.#answerTo(asked));
    }
  }

  /**
   * Checks the limits before a request. From the second hop on, enough must be left for two requests: this one, and one more in which the
   * model answers without calls.
   */
  beforeRequest(request: NextRequest, hop: number): Promise<void> | undefined {
    const need = this.#turn.budget.limitsTokens ? this.#tokensFor(request, hop) : { tokens: 0, usd: 0 };
    return this.#pass({ hops: 1, ...need });
  }

  beforeCalls(calls: number): Promise<void> | undefined {
    return this.#pass({ calls, tokens: 0, usd: 0 });
  }

  runnable(calls: number): number {
    const refused = this.#refused;
    if (!refused) return calls;
    if (refused.limit !== "calls") return 0;
    return Math.max(0, refused.allowed - this.#turn.budget.calls(refused.scope));
  }

  /**
   * Returns the bounds of the last request, which is sent after the person has refused to raise a limit. In this request, the model must
   * not call tools. Returns undefined if too little is left for a request.
   */
  async lastRequest(request: NextRequest): Promise<{ maxTokens?: number } | undefined> {
    const { budget } = this.#turn;
    if (!budget.limitsTokens) return {};
    const input = this.#need(estimateInput(request), 0);
    const left = await budget.left(this.#need(estimateInput(request), leastAnswerTokens));
    const perToken = this.#most(0, 1);
    const affordable = perToken > 0 ? Math.floor((left.usd - input.usd) / perToken) : left.usd > 0 ? Infinity : 0;
    const maxTokens = Math.min(left.tokens - input.tokens, affordable);
    if (maxTokens < leastAnswerTokens) return undefined;
    return maxTokens < longAnswerTokens ? { maxTokens } : {};
  }

  #tokensFor(request: NextRequest, hop: number): { tokens: number; usd: number } {
    const once = this.#need(estimateInput(request), leastAnswerTokens);
    // From the second hop on, there must be room for one more request without calls. That request would send the same messages and tools
    // again.
    return hop === 0 ? once : { tokens: 2 * once.tokens, usd: 2 * once.usd };
  }

  #need(input: number, output: number): { tokens: number; usd: number } {
    return { tokens: input + output, usd: this.#most(input, output) };
  }

  #most(inputTokens: number, outputTokens: number): number {
    return highestCost(this.#turn.prices.known, inputTokens, outputTokens);
  }

  #pass(need: Need): Promise<void> | undefined {
    const { budget } = this.#turn;
    if (this.#refused || (!budget.readsLog && !budget.reached(need))) return undefined;
    return this.#ask(need);
  }

  async #ask(need: Need): Promise<void> {
    const { budget, turnId, newId, out } = this.#turn;
    while (!this.#refused) {
      if (budget.readsLog) await out.store(); // the previous answer is stored first, so that the day's sum includes it
      const reached = await budget.take(need);
      if (!reached) return;
      const question: QuestionEvent = { type: "question", turnId, questionId: newId("q"), question: reached };
      await out.store(question);
      this.#settle(reached, await this.#answerTo(question));
    }
  }

  async #answerTo(question: QuestionEvent): Promise<unknown> {
    const { turnId, out } = this.#turn;
    const value = await this.#turn.answer(question);
    await out.store({ type: "answer", turnId, questionId: question.questionId, value });
    return value;
  }

  #settle(question: LimitQuestion, value: unknown): void {
    if (isYes(value)) this.#turn.budget.grant(question);
    else this.#refused = question;
  }
}

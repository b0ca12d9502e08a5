/** Cancels the turns of a conversation and answers their questions, no matter which host runs the turns. */
import { approvalIn, problemInAnswer } from "../../core/approval.js";
import { RequestError } from "../../core/errors.js";
import type { Question, QuestionEvent } from "../../core/events.js";
import { textOf } from "../../core/messages.js";
import type { TurnMail } from "../../core/turn-leases.js";
import { looked, withArguments } from "../../turn/call-approval.js";
import { eventPages } from "../shared/event-pages.js";
import type { ConversationTurns } from "./conversation-turns.js";
import type { LiveTurn } from "./live-turn.js";
import type { ConversationParts } from "./session-parts.js";

export class TurnControl {
  readonly #parts: ConversationParts;
  readonly #turns: ConversationTurns;

  constructor(parts: ConversationParts, turns: ConversationTurns) {
    this.#parts = parts;
    this.#turns = turns;
  }

  answer(questionId: string, value: unknown): boolean {
    const { questions } = this.#parts;
    const turnId = questions.elsewhere(questionId);
    if (turnId === undefined) return questions.answer(questionId, value);
    this.#sendSoon(turnId, { type: "answer", questionId, value });
    return true;
  }

  /**
   * Answers a question of a turn on any host. Sends every answer as mail through the log, even if the turn runs here, because the log
   * decides which answer was the first. Resolves with false if the question is unknown or already answered. Rejects with RequestError `usage`
   * if the answer is malformed; the question then stays open.
   */
  async answerAnywhere(questionId: string, value: unknown): Promise<boolean> {
    const { conversationId, cluster, questions } = this.#parts;
    await cluster.begin();
    const question = await this.#question(questionId);
    if (!question) return false;
    const problem = await this.problemIn(question.question, value);
    if (problem)
      throw new RequestError("usage", `"value": ${problem}`, { hint: "the question is still open; answer it again" });
    const isFirst = await cluster.send(conversationId, question.turnId, { type: "answer", questionId, value });
    if (isFirst) questions.answer(questionId, value);
    return isFirst;
  }

  /**
   * Resolves with what is wrong with an answer to a question. Undefined if it is valid. Arguments that the person has changed are checked
   * against the tool's schema, if this host has the tool.
   */
  async problemIn(question: Question, value: unknown): Promise<string | undefined> {
    const problem = problemInAnswer(question, value);
    if (problem || question.kind !== "approval") return problem;
    const { hub } = this.#parts;
    const { call } = question;
    const { arguments: changed } = approvalIn(value);
    if (!changed || !hub.tools().some(({ name }) => name === call.name)) return undefined;
    const checked = await looked(withArguments(call, changed), hub);
    if (!("refused" in checked)) return undefined;
    const text = textOf(checked.refused.content);
    return `the changed arguments do not fit: ${text.slice(text.indexOf(": ") + 2)}`;
  }

  cancel(requestId?: string, stopReason?: "budget"): boolean {
    const stopped = this.#stop(requestId, stopReason);
    for (const { turnId, isRunning, cancelMail } of stopped) {
      if (turnId && !isRunning) this.#storeCancel(turnId, cancelMail).catch(() => {}); // reported by the host that runs the turn
    }
    return stopped.length > 0;
  }

  /**
   * Cancels turns like `cancel`, on any host. Resolves when the cancellation is in the log, so that it counts even if this host, or the host
   * that runs the turn, ends at once.
   */
  async cancelAnywhere(requestId?: string): Promise<boolean> {
    const turns = this.#turns;
    if (requestId === undefined || !turns.has(requestId)) await this.#followUnfinished(requestId);
    const stopped = this.#stop(requestId);
    await Promise.all(
      stopped.map(async (turn) => {
        await turns.claimOf(turn).catch(() => {}); // a turn whose request could not be stored has no id
        if (turn.turnId) await this.#storeCancel(turn.turnId, turn.cancelMail);
      }),
    );
    return stopped.length > 0;
  }

  /**
   * Cancels all turns of the conversation that come before this one. The history keeps what they have done so far. Resolves when the
   * cancellations are in the log.
   */
  async cancelBefore(turnId: string): Promise<void> {
    const { conversationId, store } = this.#parts;
    const earlier = await store.turns.before(conversationId, turnId);
    for (const each of earlier) this.#turns.find(each)?.cancel();
    await Promise.all(earlier.map((each) => this.#storeCancel(each)));
  }

  /** See `Session.waitsBehind`. */
  async waitsBehind({ turnId, isRunning }: LiveTurn): Promise<"this host" | "another host" | undefined> {
    const { conversationId, store } = this.#parts;
    const [first] = isRunning ? [] : await store.turns.before(conversationId, turnId);
    if (first === undefined) return undefined;
    return this.#turns.find(first)?.isRunning ? "this host" : "another host";
  }

  receive(turnId: string, mail: TurnMail): void {
    const turn = this.#turns.find(turnId);
    if (mail.type === "cancel") turn?.cancel(mail.stopReason, mail);
    else if (turn) this.#parts.questions.answerEarly(mail.questionId, turnId, mail.value);
  }

  /** Stops the turn without storing an end. If it was already cancelled, sends the cancellation to its next owner, which then ends it. */
  park(turn: LiveTurn): void {
    if (turn.turnId && turn.stop.aborted && turn.closing !== "parked") this.#sendSoon(turn.turnId, turn.cancelMail);
    turn.park();
  }

  async #question(questionId: string): Promise<QuestionEvent | undefined> {
    for await (const page of eventPages(this.#parts.store, this.#parts.conversationId)) {
      for (const event of page) if (event.type === "question" && event.questionId === questionId) return event;
    }
    return undefined;
  }

  /** Shows the unfinished turns of the conversation on this host. With an id, only the turn of that request. */
  async #followUnfinished(requestId: string | undefined): Promise<void> {
    const { conversationId, cluster, store } = this.#parts;
    await cluster.begin();
    const open = new Map<string, string>();
    for await (const page of eventPages(store, conversationId)) {
      for (const event of page) {
        if (event.type === "user_message") open.set(event.turnId, event.requestId);
        if (event.type === "turn_end") open.delete(event.turnId);
      }
    }
    for (const [turnId, id] of open) {
      if (requestId === undefined || id === requestId)
        await this.#turns.follow({ conversationId, turnId, requestId: id });
    }
  }

  /** Stops the turns that run, wait or are shown here. With an id, only the turn of that request. Returns the turns. */
  #stop(requestId: string | undefined, stopReason?: "budget"): LiveTurn[] {
    const turns = this.#turns.all().filter((turn) => requestId === undefined || turn.requestId === requestId);
    for (const turn of turns) turn.cancel(stopReason, { isOutOfTurn: requestId !== undefined });
    return turns;
  }

  /** Stores the cancellation as mail to the host that owns the turn, or that will own it after this host. */
  async #storeCancel(turnId: string, mail: TurnMail = { type: "cancel" }): Promise<void> {
    const { conversationId, cluster } = this.#parts;
    const stored = cluster.send(conversationId, turnId, mail);
    cluster.wake(conversationId); // so that this host ends the turn if no host owns it
    await stored;
  }

  #sendSoon(turnId: string, mail: TurnMail): void {
    const { conversationId, cluster } = this.#parts;
    cluster.send(conversationId, turnId, mail).catch(() => {}); // a failure of the log is reported by the host that runs the turn
  }
}

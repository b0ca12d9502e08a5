import type { StoredEvent } from "../core/chat.js";
import { isWritable } from "../core/nesting.js";
import { longestTimerMs } from "../core/timers.js";
import { readTurn } from "../history/turns.js";

interface OpenQuestion {
  answer: Promise<unknown>;
  resolve: (value: unknown) => void;
}

/** Open questions of a conversation: asked by a turn, answered through any front door. */
export class Questions {
  readonly #open = new Map<string, OpenQuestion>();
  /** Questions of turns that wait or run on another host, with the turn's id. */
  readonly #elsewhere = new Map<string, string>();
  /** Answers from another host that arrived before the turn reached its question. */
  readonly #early = new Map<string, { turnId: string; value: unknown }>();

  /**
   * Opens a question before anyone sees it, so that no answer can come too early. If the turn ends here, cancelled or not, the question
   * closes with the answer `false`; a host that resumes the turn asks it again.
   */
  open(questionId: string, signal: AbortSignal): OpenQuestion {
    this.#elsewhere.delete(questionId);
    const known = this.#open.get(questionId);
    if (known) return known;
    let resolve: (value: unknown) => void = () => {};
    const answer = new Promise<unknown>((settle) => {
      resolve = settle;
    });
    const onAbort = () => {
      this.#open.delete(questionId);
      resolve(false);
    };
    const question = { answer, resolve };
    const early = this.#early.get(questionId);
    this.#early.delete(questionId);
    this.#open.set(questionId, question);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    if (early) resolve(early.value);
    void answer.then(() => signal.removeEventListener("abort", onAbort));
    return question;
  }

  openElsewhere(questionId: string, turnId: string): void {
    if (!this.#open.has(questionId)) this.#elsewhere.set(questionId, turnId);
  }

  /** Opens the turn's unanswered questions in the log, so that they can be answered here before anybody sees them. */
  openElsewhereOf(events: readonly StoredEvent[]): void {
    for (const { question, answer } of readTurn(events).hops.at(-1)?.calls ?? []) {
      if (question && !answer) this.openElsewhere(question.questionId, question.turnId);
    }
  }

  /** Closes a question that was answered on the turn's own host. */
  closeElsewhere(questionId: string): void {
    this.#elsewhere.delete(questionId);
  }

  /** Answers like `answer`, even if the question is still to come. */
  answerEarly(questionId: string, turnId: string, value: unknown): void {
    if (!this.answer(questionId, value)) this.#early.set(questionId, { turnId, value });
  }

  /** True if an answer would count. */
  isOpen(questionId: string): boolean {
    return this.#open.has(questionId) || this.#elsewhere.has(questionId);
  }

  /** Forgets a turn that has left this host. */
  forget(turnId: string): void {
    for (const [questionId, id] of this.#elsewhere) if (id === turnId) this.#elsewhere.delete(questionId);
    for (const [questionId, early] of this.#early) if (early.turnId === turnId) this.#early.delete(questionId);
  }

  /** Returns the turn to whose host the answer must be sent. */
  elsewhere(questionId: string): string | undefined {
    return this.#elsewhere.get(questionId);
  }

  /** Opens the question if it is not open, and waits for its answer: `false` after `timeoutMs` without one. */
  async wait(questionId: string, signal: AbortSignal, timeoutMs: number = Number.POSITIVE_INFINITY): Promise<unknown> {
    const { answer, resolve } = this.open(questionId, signal);
    if (timeoutMs === 0) resolve(false);
    const timeout = Number.isFinite(timeoutMs)
      ? setTimeout(resolve, Math.min(timeoutMs, longestTimerMs), false)
      : undefined;
    try {
      return await answer;
    } finally {
      clearTimeout(timeout);
      this.#open.delete(questionId);
    }
  }

  /**
   * Answers a question. False if it is not open: answered before, or its turn has ended. The first answer counts; one too deeply nested for
   * the log, which would break off the turn, counts as no.
   */
  answer(questionId: string, value: unknown): boolean {
    const question = this.#open.get(questionId);
    question?.resolve(isWritable(value) ? value : false);
    return question !== undefined;
  }
}

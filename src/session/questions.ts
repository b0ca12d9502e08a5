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
  /** Questions of turns that another process runs, or that wait: by which turn they are. */
  readonly #elsewhere = new Map<string, string>();
  /** Answers that came from another process before the turn had got to its question. */
  readonly #early = new Map<string, { turnId: string; value: unknown }>();

  /**
   * Opens a question before anyone sees it, so that no answer can come too early. A turn that ends here, cancelled or not, answers `false`, and the
   * question is not open any more: whoever goes on with the turn asks it again.
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

  /** Those of a turn that the log has without an answer: they can be answered from here before anybody sees them. */
  openElsewhereOf(events: readonly StoredEvent[]): void {
    for (const { question, answer } of readTurn(events).hops.at(-1)?.calls ?? []) {
      if (question && !answer) this.openElsewhere(question.questionId, question.turnId);
    }
  }

  /** It was answered in the process that has its turn. */
  closeElsewhere(questionId: string): void {
    this.#elsewhere.delete(questionId);
  }

  /** As `answer`, of a question that may still be to come. */
  answerEarly(questionId: string, turnId: string, value: unknown): void {
    if (!this.answer(questionId, value)) this.#early.set(questionId, { turnId, value });
  }

  /** Whether an answer would count. */
  isOpen(questionId: string): boolean {
    return this.#open.has(questionId) || this.#elsewhere.has(questionId);
  }

  /** The turn has left this process. */
  forget(turnId: string): void {
    for (const [questionId, id] of this.#elsewhere) if (id === turnId) this.#elsewhere.delete(questionId);
    for (const [questionId, early] of this.#early) if (early.turnId === turnId) this.#early.delete(questionId);
  }

  /** The turn whose process the answer has to be sent to. */
  elsewhere(questionId: string): string | undefined {
    return this.#elsewhere.get(questionId);
  }

  /** Opens the question if nobody did so yet, and waits for its answer: after `timeoutMs` without one it is `false`. */
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
   * False when no such question is open: answered before, or its turn has ended. The first answer counts; one that the log cannot take,
   * which would break the turn off, is a no.
   */
  answer(questionId: string, value: unknown): boolean {
    const question = this.#open.get(questionId);
    question?.resolve(isWritable(value) ? value : false);
    return question !== undefined;
  }
}

import { longestTimerMs } from "../../core/async/timers.js";
import type { StoredEvent } from "../../core/events.js";
import { isWritable } from "../../core/json.js";
import { readTurn } from "../../log/folds/turn-records.js";

interface OpenQuestion {
  answer: Promise<unknown>;
  resolve: (value: unknown) => void;
}

/** Open questions of a conversation. A turn asks a question; any front door may answer it. */
export class Questions {
  readonly #open = new Map<string, OpenQuestion>();
  /** Ids of open questions of turns that wait or run on another host, each with the id of its turn. */
  readonly #elsewhere = new Map<string, string>();
  /** Answers that another host sent before the turn here reached its question, by question id. */
  readonly #early = new Map<string, { turnId: string; value: unknown }>();

  /**
   * Opens a question. Called before anybody sees the question, so that no answer can come too early. If the turn ends on this host, for
   * whatever reason, the question closes with the answer `false`. A host that resumes the turn asks the question again.
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

  /**
   * Opens the questions of a turn on another host that are unanswered in the log. So they can be answered here before anybody has seen
   * them.
   */
  openElsewhereOf(events: readonly StoredEvent[]): void {
    for (const { question, answer } of readTurn(events).hops.at(-1)?.calls ?? []) {
      if (question && !answer) this.openElsewhere(question.questionId, question.turnId);
    }
  }

  /** Closes a question that was answered on the host of its turn. */
  closeElsewhere(questionId: string): void {
    this.#elsewhere.delete(questionId);
  }

  /** Answers a question like `answer`. If the question is not open yet, keeps the answer until it is. */
  answerEarly(questionId: string, turnId: string, value: unknown): void {
    if (!this.answer(questionId, value)) this.#early.set(questionId, { turnId, value });
  }

  /** True if the question is open here, so that an answer to it would count. */
  isOpen(questionId: string): boolean {
    return this.#open.has(questionId) || this.#elsewhere.has(questionId);
  }

  /** Drops all questions and early answers of a turn that has left this host. */
  forget(turnId: string): void {
    for (const [questionId, id] of this.#elsewhere) if (id === turnId) this.#elsewhere.delete(questionId);
    for (const [questionId, early] of this.#early) if (early.turnId === turnId) this.#early.delete(questionId);
  }

  /**
   * Returns the id of the turn that asked the question if that turn is on another host. The answer must then be sent to that host.
   * Otherwise undefined.
   */
  elsewhere(questionId: string): string | undefined {
    return this.#elsewhere.get(questionId);
  }

  /** Opens the question if it is not open yet, and waits for its answer. Resolves with `false` if none comes within `timeoutMs`. */
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
   * Answers a question. Returns false if the question is not open, because it was answered before or its turn has ended. Only the first
   * answer counts. An answer that is too deeply nested to be stored counts as no: otherwise the turn would break off.
   */
  answer(questionId: string, value: unknown): boolean {
    const question = this.#open.get(questionId);
    question?.resolve(isWritable(value) ? value : false);
    return question !== undefined;
  }
}

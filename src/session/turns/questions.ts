import { longestTimerMs } from "../../core/async/timers.js";
import type { ChatEvent, LiveEvent, Question, QuestionEvent, StoredEvent } from "../../core/events.js";
import { isWritable } from "../../core/json.js";

interface OpenQuestion {
  answer: Promise<unknown>;
  resolve: (value: unknown) => void;
}

interface Waiting {
  /** Aborts when the turn has ended here. */
  signal: AbortSignal;
  /** Aborts when nobody waits for the answer any more, although the turn continues. */
  over?: AbortSignal | undefined;
  /** Default: unlimited. */
  timeoutMs?: number | undefined;
}

/** The open questions of a conversation. Turns ask them, and any front door may answer them. */
export class Questions {
  readonly #open = new Map<string, OpenQuestion>();
  /** Open questions of turns that wait or run on another host. The keys are question ids, the values turn ids. */
  readonly #elsewhere = new Map<string, string>();
  /** Answers that arrived from another host before the question was opened on this host. The keys are question ids. */
  readonly #early = new Map<string, { turnId: string; value: unknown }>();

  /**
   * Opens a question. Must be called before anybody sees the question, so that no answer comes too early. When `signal` aborts, because the
   * turn has ended here, the question closes with the answer `false`. A host that resumes the turn asks the question again.
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
   * Opens the questions that a turn on another host has asked and that have no answer in the log. These questions can then be answered
   * here, even before anybody has seen them on this host.
   */
  openElsewhereOf(events: readonly StoredEvent[]): void {
    const open = new Map<string, QuestionEvent>(); // by what they are about, because a later question replaces an earlier one
    for (const event of events) {
      if (event.type === "assistant_message") open.clear();
      const about = event.type === "question" && aboutOf(event.question);
      if (event.type === "question" && about) open.set(about, event);
      if (event.type !== "answer") continue;
      for (const [key, { questionId }] of open) if (questionId === event.questionId) open.delete(key);
    }
    for (const { questionId, turnId } of open.values()) this.openElsewhere(questionId, turnId);
  }

  /** Closes a question that was answered on the host that runs its turn. */
  closeElsewhere(questionId: string): void {
    this.#elsewhere.delete(questionId);
  }

  /** Answers a question like `answer`. If the question is not open yet, keeps the answer until it is opened. */
  answerEarly(questionId: string, turnId: string, value: unknown): void {
    if (!this.answer(questionId, value)) this.#early.set(questionId, { turnId, value });
  }

  /** Returns true if the question is open, so that an answer would be accepted. */
  isOpen(questionId: string): boolean {
    return this.#open.has(questionId) || this.#elsewhere.has(questionId);
  }

  /**
   * Returns true if the event is a question that is still unanswered. A turn that is shown again also shows questions that were answered
   * before.
   */
  isAsking(event: ChatEvent | LiveEvent): event is QuestionEvent {
    return event.type === "question" && this.isOpen(event.questionId);
  }

  /** Drops all questions and early answers of a turn that no longer runs or waits on this host. */
  forget(turnId: string): void {
    for (const [questionId, id] of this.#elsewhere) if (id === turnId) this.#elsewhere.delete(questionId);
    for (const [questionId, early] of this.#early) if (early.turnId === turnId) this.#early.delete(questionId);
  }

  /**
   * Returns the id of the turn that asked the question, if the turn is on another host. The answer must then be sent to that host. Returns
   * undefined for any other question.
   */
  elsewhere(questionId: string): string | undefined {
    return this.#elsewhere.get(questionId);
  }

  /**
   * Waits for the answer to a question, and opens the question first if it is not open. Resolves with `false` if there is no answer within
   * `timeoutMs`, or before `over` aborts.
   */
  async wait(questionId: string, { signal, over, timeoutMs = Number.POSITIVE_INFINITY }: Waiting): Promise<unknown> {
    const { answer, resolve } = this.open(questionId, signal);
    const close = () => resolve(false);
    if (timeoutMs === 0 || over?.aborted) close();
    over?.addEventListener("abort", close);
    const timeout = Number.isFinite(timeoutMs) ? setTimeout(close, Math.min(timeoutMs, longestTimerMs)) : undefined;
    try {
      return await answer;
    } finally {
      clearTimeout(timeout);
      over?.removeEventListener("abort", close);
      this.#open.delete(questionId);
    }
  }

  /**
   * Answers a question. Only the first answer counts. Returns false if the question is not open, because it was answered before or its turn
   * has ended. An answer that is nested too deep to be stored counts as no, because the turn would otherwise break off.
   */
  answer(questionId: string, value: unknown): boolean {
    const question = this.#open.get(questionId);
    question?.resolve(isWritable(value) ? value : false);
    return question !== undefined;
  }
}

/** Returns what a question is about. Returns undefined for questions that are not asked again when their host has died. */
function aboutOf(question: Question): string | undefined {
  if (question.kind === "approval") return `call ${question.call.id}`;
  return question.kind === "limit" ? "limit" : undefined;
}

import { setImmediate as endOfIteration } from "node:timers/promises";
import type { ApprovalQuestion, QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import type { Colors } from "../shared/terminal.js";
import { askApprovals } from "./ask-approval.js";
import { askPerson, endOfQuestion } from "./ask-person.js";
import { type LineEditor, QuestionOver } from "./editor/editor.js";
import type { TurnScreen } from "./turn-screen.js";

interface QuestionParts {
  turn: LiveTurn;
  session: Session;
  editor: LineEditor;
  screen: TurnScreen;
  colors: Colors;
}

type ApprovalEvent = QuestionEvent & { question: ApprovalQuestion };

/** Asks the questions of a turn one after another, while its events go on being shown. Approvals that wait at the same time are asked as one list. */
export class TurnQuestions {
  readonly #parts: QuestionParts;
  #waiting: QuestionEvent[] = [];
  #asking: Promise<void> | undefined;

  constructor(parts: QuestionParts) {
    this.#parts = parts;
  }

  add(question: QuestionEvent): void {
    this.#waiting.push(question);
    this.#asking ??= this.#askAll();
  }

  /** Resolves when no question waits. */
  async done(): Promise<void> {
    await this.#asking;
  }

  async #askAll(): Promise<void> {
    await endOfIteration(); // so that the list has all questions of one answer of the model
    for (let open = this.#open(); open.length > 0; open = this.#open()) {
      const approvals = open.filter(isApproval);
      if (approvals.length > 1) await this.#askList(approvals);
      else await this.#ask(open[0] as QuestionEvent);
    }
    this.#asking = undefined;
  }

  #open(): QuestionEvent[] {
    this.#waiting = this.#waiting.filter((event) => this.#parts.session.questions.isAsking(event));
    return this.#waiting;
  }

  async #askList(approvals: readonly ApprovalEvent[]): Promise<void> {
    const { editor, colors } = this.#parts;
    const questions = approvals.map(({ question }) => question);
    const answer = await this.#askUntilAnswered(approvals, (signal) =>
      askApprovals(editor, questions, { signal, colors }),
    );
    if (answer !== undefined) return;
    for (const event of approvals) if (this.#open().includes(event)) await this.#ask(event);
  }

  #ask(event: QuestionEvent): Promise<unknown> {
    const { editor, colors } = this.#parts;
    return this.#askUntilAnswered([event], (signal) => askPerson(editor, event.question, { signal, colors }));
  }

  /** Asks until the questions have an answer, from here or from elsewhere. The answer is for each of them; if it is undefined, they stay open. */
  async #askUntilAnswered(
    events: readonly QuestionEvent[],
    ask: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> {
    const { turn, session, screen } = this.#parts;
    screen.pause();
    const over = new AbortController();
    const ends = Promise.all(events.map(({ questionId }) => endOfQuestion(questionId, turn)));
    void ends.then(() => over.abort(new QuestionOver()));
    const value = await ask(AbortSignal.any([turn.stop, over.signal]));
    const isGiven = !over.signal.aborted && !turn.stop.aborted && value !== undefined;
    const isTaken = isGiven && events.map(({ questionId }) => session.answer(questionId, value)).includes(true);
    if (value !== undefined && !isTaken && !turn.stop.aborted) screen.note((await ends)[0] as string);
    if (value !== undefined) this.#waiting = this.#waiting.filter((event) => !events.includes(event));
    screen.resume();
    return value;
  }
}

function isApproval(event: QuestionEvent): event is ApprovalEvent {
  return event.question.kind === "approval";
}

/** What is done to the turns of a conversation from outside, wherever each of them runs: cancelled, answered. */
import type { TurnMail, TurnName } from "../core/store-ports.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import type { SessionParts } from "./session-parts.js";
import type { TurnsHere } from "./turns-here.js";

interface TurnControlParts extends Pick<SessionParts, "engine" | "store"> {
  conversationId: string;
  turns: TurnsHere;
  questions: Questions;
  /** Shows a turn here that another process runs, or may be given. */
  follow: (turn: TurnName) => Promise<unknown>;
}

export class TurnControl {
  readonly #parts: TurnControlParts;

  constructor(parts: TurnControlParts) {
    this.#parts = parts;
  }

  /** As `Session.answer`. */
  answer(questionId: string, value: unknown): boolean {
    const { questions } = this.#parts;
    const turnId = questions.elsewhere(questionId);
    if (turnId === undefined) return questions.answer(questionId, value);
    this.#sendSoon(turnId, { type: "answer", questionId, value });
    return true;
  }

  /** As `Session.answerAnywhere`. The first answer that is in the log's mail counts, also where the turn runs here. */
  async answerAnywhere(questionId: string, value: unknown): Promise<boolean> {
    const { conversationId, engine, store, questions } = this.#parts;
    await engine.begin();
    const events = await store.read(conversationId);
    const question = events.find((event) => event.type === "question" && event.questionId === questionId);
    if (!question) return false;
    const isFirst = await engine.send(conversationId, question.turnId, { type: "answer", questionId, value });
    if (isFirst) questions.answer(questionId, value);
    return isFirst;
  }

  /** As `Session.cancel`. */
  cancel(requestId?: string): boolean {
    const turns = this.#parts.turns.all().filter((turn) => requestId === undefined || turn.requestId === requestId);
    for (const turn of turns) {
      if (requestId !== undefined) turn.endsOutOfTurn = true;
      this.#cancel(turn.turnId, turn);
    }
    return turns.length > 0;
  }

  /** As `Session.cancelAnywhere`. */
  async cancelAnywhere(requestId?: string): Promise<boolean> {
    const { conversationId, engine, store, follow } = this.#parts;
    await engine.begin();
    const open = new Map<string, string>();
    for (const event of await store.read(conversationId)) {
      if (event.type === "user_message") open.set(event.turnId, event.requestId);
      if (event.type === "turn_end") open.delete(event.turnId);
    }
    for (const [turnId, id] of open) {
      if (requestId === undefined || id === requestId) await follow({ conversationId, turnId, requestId: id });
    }
    return this.cancel(requestId);
  }

  /** Cancels what the conversation has before this turn. It is in its history all the same: as far as it got. */
  async cancelBefore(turnId: string): Promise<void> {
    const { conversationId, engine, turns } = this.#parts;
    for (const earlier of await engine.before(conversationId, turnId)) this.#cancel(earlier, turns.find(earlier));
  }

  /** What another process says to a turn that this one has. */
  receive(turnId: string, mail: TurnMail): void {
    const { turns, questions } = this.#parts;
    const turn = turns.find(turnId);
    if (mail.type === "cancel") turn?.cancel();
    else if (turn) questions.answerEarly(mail.questionId, turnId, mail.value);
  }

  /** It stops where it is, without an end. Where it was cancelled before, whoever goes on with it is to end it. */
  park(turn: LiveTurn): void {
    if (turn.turnId && turn.stop.aborted && !turn.isParked) this.#sendSoon(turn.turnId, { type: "cancel" });
    turn.park();
  }

  /** `turn`: as this process has it. One that it does not run is cancelled by the process that does. */
  #cancel(turnId: string, turn?: LiveTurn): void {
    turn?.cancel();
    if (!turnId || turn?.isHere) return;
    this.#sendSoon(turnId, { type: "cancel" });
    const { conversationId, engine } = this.#parts;
    engine.wake(conversationId); // one that nobody has is ended here
  }

  #sendSoon(turnId: string, mail: TurnMail): void {
    const { conversationId, engine } = this.#parts;
    engine.send(conversationId, turnId, mail).catch(() => {}); // the log's trouble shows where the turn is run
  }
}

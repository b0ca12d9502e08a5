import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { type EncodedTurn, TurnEncoder, type WireMessage } from "./protocol.js";

interface Display {
  turn: LiveTurn;
  session: Session;
  requestId: string;
  model: EncodedTurn["model"];
  /** Called when the first message has been sent. */
  begun: () => void;
}

/** Sends the turns that one client sees. A turn continues without waiting for its messages to be sent. */
export class ShownTurns {
  readonly #send: (message: WireMessage) => Promise<void>;
  readonly #openQuestions = new Map<string, Session>();
  /** Turns whose messages are still being sent. */
  readonly #shown = new Map<LiveTurn, Promise<void>>();
  #isUnattended = false;

  constructor(send: (message: WireMessage) => Promise<void>) {
    this.#send = send;
  }

  /** Sends all messages of the turn. Resolves when the last message was sent. */
  async show(display: Display): Promise<void> {
    const { turn } = display;
    const earlier = this.#shown.get(turn);
    // If the same turn is shown twice, the second copy waits for the first. Interleaved copies would look like one garbled answer.
    const shown = (earlier ?? Promise.resolve()).then(() =>
      this.#follow(display, turn.cached || earlier !== undefined),
    );
    this.#shown.set(turn, shown);
    try {
      await shown;
    } finally {
      if (this.#shown.get(turn) === shown) this.#shown.delete(turn);
    }
  }

  /** Answers all open and later questions with no. Called when nobody can answer them any more. */
  leaveUnattended(): void {
    this.#isUnattended = true;
    for (const [questionId, session] of this.#openQuestions) session.answer(questionId, false);
  }

  async #follow({ turn, session, requestId, model, begun }: Display, cached: boolean): Promise<void> {
    const encoder = new TurnEncoder({ requestId, conversationId: session.id, turnId: turn.turnId, cached, model });
    await this.#send(encoder.start());
    begun();
    for await (const event of turn.watch()) {
      if (event.type === "question") {
        if (!session.questions.isAsking(event)) continue; // the question was answered before this client began to follow the turn
        this.#openQuestions.set(event.questionId, session);
        if (this.#isUnattended) session.answer(event.questionId, false);
      }
      if (event.type === "answer") this.#openQuestions.delete(event.questionId);
      for (const message of encoder.encode(event)) await this.#send(message);
    }
  }
}

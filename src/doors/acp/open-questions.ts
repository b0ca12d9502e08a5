import type { AgentContext, ClientCapabilities } from "@agentclientprotocol/sdk";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import { askClient, canShow } from "./ask-client.js";

interface OpenQuestion {
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
}

interface AskingTurn {
  /** Maps the model's id of a call to the client's id. */
  toolCallId: (callId: string) => string;
  /**
   * Returns true if nobody but this client is asked. If it cannot answer, that is then a no. A question of a turn that another host runs
   * for somebody else stays open.
   */
  isOnlyHere: () => boolean;
}

/** Questions of turns to the user that the client has not answered yet. */
export class OpenQuestions {
  readonly #asked: OpenQuestion;
  readonly #open = new Map<string, AskingTurn>();
  #isLeft = false;

  constructor(asked: OpenQuestion) {
    this.#asked = asked;
  }

  /** Asks the client, unless the question was answered before. */
  ask(event: QuestionEvent, turn: AskingTurn): void {
    const { session, client, capabilities } = this.#asked;
    const { questionId } = event;
    if (!session.isAsking(event)) return;
    const asking = { client, capabilities, sessionId: session.id, toolCallId: turn.toolCallId };
    this.#open.set(questionId, turn);
    if (this.#isLeft || !canShow(event, asking)) {
      this.#deny(questionId);
      return;
    }
    const answer = (value: unknown) => {
      this.#open.delete(questionId);
      session.answer(questionId, value);
    };
    askClient(event, asking).then(answer, () => this.#deny(questionId));
  }

  /** Removes a question that was answered by this client or by another client. */
  close(questionId: string): void {
    this.#open.delete(questionId);
  }

  /** Denies all open and later questions. Called when the client has disconnected, because it can no longer answer. */
  leave(): void {
    this.#isLeft = true;
    for (const questionId of this.#open.keys()) this.#deny(questionId);
  }

  #deny(questionId: string): void {
    const turn = this.#open.get(questionId);
    this.#open.delete(questionId);
    if (turn?.isOnlyHere()) this.#asked.session.answer(questionId, false);
  }
}

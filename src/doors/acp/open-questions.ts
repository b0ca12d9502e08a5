import type { AgentContext, ClientCapabilities } from "@agentclientprotocol/sdk";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import { askClient } from "./ask-client.js";

interface OpenQuestion {
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
}

/** Questions of turns to the user that the client has not answered yet. */
export class OpenQuestions {
  readonly #asked: OpenQuestion;
  readonly #open = new Set<string>();
  #isLeft = false;

  constructor(asked: OpenQuestion) {
    this.#asked = asked;
  }

  /** Asks the client, unless the question was answered before. `toolCallId` maps the model's id of a call to the client's id. */
  ask(event: QuestionEvent, toolCallId: (callId: string) => string): void {
    const { session, client, capabilities } = this.#asked;
    const { questionId } = event;
    if (!session.isAsking(event)) return;
    const answer = (value: unknown) => {
      this.#open.delete(questionId);
      session.answer(questionId, value);
    };
    if (this.#isLeft) {
      answer(false);
      return;
    }
    this.#open.add(questionId);
    askClient(event, { client, capabilities, sessionId: session.id, toolCallId }).then(answer, () => answer(false));
  }

  /** Removes a question that was answered by this client or by another client. */
  close(questionId: string): void {
    this.#open.delete(questionId);
  }

  /** Denies all open and later questions. Called when the client has disconnected, because it can no longer answer. */
  leave(): void {
    this.#isLeft = true;
    for (const questionId of this.#open) this.#asked.session.answer(questionId, false);
  }
}

import type { AgentContext, ClientCapabilities } from "@agentclientprotocol/sdk";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import { askClient, isAlwaysRejected } from "./ask-client.js";

interface OpenQuestion {
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
}

/** Questions of turns to the user that the client has not answered yet, and the tools that the user has chosen to always reject. */
export class OpenQuestions {
  readonly #asked: OpenQuestion;
  readonly #open = new Set<string>();
  /** Names of the tools that are always rejected, as `server__tool`. */
  readonly #rejected = new Set<string>();
  #isLeft = false;

  constructor(asked: OpenQuestion) {
    this.#asked = asked;
  }

  /** Asks the client, unless the question was answered before. `toolCallId` maps the model's id of a call to the client's id. */
  ask(event: QuestionEvent, toolCallId: (callId: string) => string): void {
    const { session, client, capabilities } = this.#asked;
    const { questionId, question } = event;
    if (!session.isAsking(event)) return;
    const tool = question.kind === "approval" ? `${question.server}__${question.tool}` : undefined;
    const answer = (value: unknown) => {
      this.#open.delete(questionId);
      if (tool && isAlwaysRejected(value)) this.#rejected.add(tool);
      session.answer(questionId, value);
    };
    if (this.#isLeft || (tool && this.#rejected.has(tool))) {
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

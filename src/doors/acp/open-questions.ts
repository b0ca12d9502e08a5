import type { AgentContext, ClientCapabilities } from "@agentclientprotocol/sdk";
import type { QuestionEvent } from "../../core/events.js";
import type { Session } from "../../session/session.js";
import { askClient } from "./ask-client.js";

interface ClientSession {
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
}

/** A request to the client about an open question. */
interface Dialog {
  /** Returns true while the turn answers a prompt of the client. */
  isOwn: () => boolean;
  /** Aborts when the client's answer is no longer needed. */
  over: AbortController;
}

/**
 * Questions of turns to the user that the client has not answered yet. If the client has disconnected, those of its own prompts are denied. Those
 * of turns that this host has only resumed stay open for the next host.
 */
export class OpenQuestions {
  readonly #asked: ClientSession;
  readonly #open = new Map<string, Dialog>();
  /** Settles when the client has answered all questions so far. It gets one at a time, because many clients show only the latest. */
  #answered: Promise<void> = Promise.resolve();
  #isLeft = false;

  constructor(asked: ClientSession) {
    this.#asked = asked;
  }

  /**
   * Asks the client, unless the question was answered before. `toolCallId` maps the model's id of a call to the client's id. `isOwn` returns
   * true while the turn answers a prompt of the client.
   */
  ask(event: QuestionEvent, { toolCallId, isOwn }: { toolCallId: (id: string) => string; isOwn: () => boolean }): void {
    const { session, client, capabilities } = this.#asked;
    const { questionId } = event;
    if (!session.questions.isAsking(event)) return;
    const answer = (value: unknown) => {
      this.#open.delete(questionId);
      session.answer(questionId, value);
    };
    const deny = () => {
      if (isOwn() || !this.#isLeft) answer(false);
    };
    if (this.#isLeft) {
      deny();
      return;
    }
    const over = new AbortController();
    this.#open.set(questionId, { isOwn, over });
    const asking = { client, capabilities, sessionId: session.id, toolCallId, over: over.signal };
    this.#answered = this.#answered.then(async () => {
      if (over.signal.aborted) return;
      if (this.#isLeft) deny();
      else await askClient(event, asking).then(answer, deny);
    });
  }

  /** Removes a question that has an answer in the log. If it is not the answer of this client, withdraws the request from the client. */
  close(questionId: string): void {
    this.#open.get(questionId)?.over.abort();
    this.#open.delete(questionId);
  }

  /** Called when the client has disconnected, because it can no longer answer. */
  leave(): void {
    this.#isLeft = true;
    for (const [questionId, { isOwn }] of this.#open) if (isOwn()) this.#asked.session.answer(questionId, false);
  }
}

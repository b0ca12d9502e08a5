import type { Session } from "../../session/session.js";
import type { Sessions } from "../../session/sessions.js";

/** Maximum number of conversations that are kept for one client. Beyond it, the oldest conversations without a running turn are removed. */
const mostVisited = 1_000;

/**
 * Conversations of one client. An `answer` or `cancel` message that names no conversation reaches only these conversations, never the
 * conversations of another client.
 */
export class ClientSessions {
  readonly #sessions: Sessions;
  readonly #visited = new Map<string, Session>();
  /** Conversation for messages that name no conversation. It is opened by the first such message. */
  #own: Session | undefined;
  #release = () => {};

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  get own(): Session {
    return this.#own ?? this.#adopt(this.#visit());
  }

  of(conversationId: string | undefined): Session {
    return conversationId === undefined ? this.own : this.#visit(conversationId);
  }

  /**
   * Replaces the client's own conversation by a new one and returns the new conversation. If `conversationId` names another conversation
   * than the client's own, changes nothing and returns undefined.
   */
  startAnew(conversationId: string | undefined): Session | undefined {
    if (conversationId !== undefined && conversationId !== this.#own?.id) return undefined;
    const session = this.#visit();
    this.#adopt(session);
    return session;
  }

  /**
   * Answers a question in the named conversation, even if another process runs its turn. Without a name, answers in any conversation of
   * this client. Resolves to false if no such question is open.
   */
  async answer(conversationId: string | undefined, questionId: string, value: unknown): Promise<boolean> {
    const asking = conversationId ?? this.#reached.find((session) => session.questions.isOpen(questionId))?.id;
    return asking !== undefined && this.#sessions.answer(asking, questionId, value);
  }

  /**
   * Cancels the turn of a request in the named conversation. Without a name, looks in all conversations of this client. Resolves to false
   * if there was nothing to cancel.
   */
  async cancel(conversationId: string | undefined, requestId: string): Promise<boolean> {
    if (conversationId !== undefined) return this.#sessions.cancel(conversationId, requestId);
    return this.#reached.some((session) => session.cancel(requestId));
  }

  cancelAll(): void {
    for (const session of this.#visited.values()) session.cancel();
  }

  /** Releases the client's own conversation. Called when the client has disconnected. */
  leave(): void {
    this.#release();
  }

  #adopt(session: Session): Session {
    this.#release();
    this.#release = session.hold();
    this.#own = session;
    return session;
  }

  /** The client's own conversation, then all conversations that the client has visited. */
  get #reached(): Session[] {
    return [this.own, ...this.#visited.values()];
  }

  #visit(conversationId?: string): Session {
    const session = this.#sessions.open(conversationId);
    this.#visited.delete(session.id);
    for (const [id, { isBusy }] of this.#visited) {
      if (this.#visited.size < mostVisited) break;
      if (!isBusy) this.#visited.delete(id);
    }
    this.#visited.set(session.id, session);
    return session;
  }
}

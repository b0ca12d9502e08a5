import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";

/** Conversations without a running turn that are remembered for a client; the latest ones are kept. */
const mostVisited = 1_000;

/** Conversations of one client. An answer or a cancel that names no conversation reaches only these, never another client's. */
export class ClientSessions {
  readonly #sessions: Sessions;
  readonly #visited = new Map<string, Session>();
  /** The conversation of messages that name none; opened by the first such message. */
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

  /** Starts the client's next own conversation. Returns undefined for any other conversation, which keeps its memory. */
  startAnew(conversationId: string | undefined): Session | undefined {
    if (conversationId !== undefined && conversationId !== this.#own?.id) return undefined;
    const session = this.#visit();
    this.#adopt(session);
    return session;
  }

  /**
   * Answers in the named conversation, whichever process runs its turn, or else in the client's conversations. Returns false if no such
   * question is open.
   */
  async answer(conversationId: string | undefined, questionId: string, value: unknown): Promise<boolean> {
    const asking = conversationId ?? this.#reached.find((session) => session.hasOpen(questionId))?.id;
    return asking !== undefined && this.#sessions.answer(asking, questionId, value);
  }

  /** Cancels a turn, found as in `answer`. Returns false if there was nothing to cancel. */
  async cancel(conversationId: string | undefined, requestId: string): Promise<boolean> {
    if (conversationId !== undefined) return this.#sessions.cancel(conversationId, requestId);
    return this.#reached.some((session) => session.cancel(requestId));
  }

  cancelAll(): void {
    for (const session of this.#visited.values()) session.cancel();
  }

  /** Releases the client's own conversation after it has left. */
  leave(): void {
    this.#release();
  }

  #adopt(session: Session): Session {
    this.#release();
    this.#release = session.hold();
    this.#own = session;
    return session;
  }

  /** Conversations of the client, its own one first. */
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

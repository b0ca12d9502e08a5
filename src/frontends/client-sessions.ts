import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";

/** Conversations that a client is remembered to have been in beside those with a turn: the latest ones. */
const mostVisited = 1_000;

/** Where one client has been: an answer or a cancel that names no conversation reaches none of somebody else. */
export class ClientSessions {
  readonly #sessions: Sessions;
  readonly #visited = new Map<string, Session>();
  /** The conversation of messages that name none, from the first of them on. */
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

  /** Starts the client's next own conversation. Undefined for a conversation that is not its own: that one keeps its memory. */
  startAnew(conversationId: string | undefined): Session | undefined {
    if (conversationId !== undefined && conversationId !== this.#own?.id) return undefined;
    const session = this.#visit();
    this.#adopt(session);
    return session;
  }

  /** In the named conversation, whichever process has its turn, or where the client has been. False when no such question is open. */
  async answer(conversationId: string | undefined, questionId: string, value: unknown): Promise<boolean> {
    const asking = conversationId ?? this.#reached.find((session) => session.hasOpen(questionId))?.id;
    return asking !== undefined && this.#sessions.answer(asking, questionId, value);
  }

  /** The same of a turn. False when there was nothing to cancel. */
  async cancel(conversationId: string | undefined, requestId: string): Promise<boolean> {
    if (conversationId !== undefined) return this.#sessions.cancel(conversationId, requestId);
    return this.#reached.some((session) => session.cancel(requestId));
  }

  cancelAll(): void {
    for (const session of this.#visited.values()) session.cancel();
  }

  /** The client is gone: its own conversation is nobody's any more. */
  leave(): void {
    this.#release();
  }

  #adopt(session: Session): Session {
    this.#release();
    this.#release = session.hold();
    this.#own = session;
    return session;
  }

  /** The client's own conversation, then its others. */
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

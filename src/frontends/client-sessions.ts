import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";

/** Where one client has been: an answer or a cancel of its reaches no conversation of somebody else. */
export class ClientSessions {
  readonly #sessions: Sessions;
  readonly #visited = new Map<string, Session>();
  /** The conversation of messages that name none, from the first of them on. */
  #own: Session | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  get own(): Session {
    this.#own ??= this.#visit();
    return this.#own;
  }

  of(conversationId: string | undefined): Session {
    return conversationId === undefined ? this.own : this.#visit(conversationId);
  }

  /** A new conversation. Without an id, or for the client's own one, it becomes the client's own. */
  startAnew(conversationId: string | undefined): Session {
    const session = this.#visit();
    if (conversationId === undefined || conversationId === this.#own?.id) this.#own = session;
    return session;
  }

  /** Tries the named conversation, or the client's own and then its others. False when none of them has done it. */
  reach(conversationId: string | undefined, act: (session: Session) => boolean): boolean {
    if (conversationId === undefined) return act(this.own) || [...this.#visited.values()].some(act);
    const session = this.#visited.get(conversationId);
    return session !== undefined && act(session);
  }

  cancelAll(): void {
    for (const session of this.#visited.values()) session.cancel();
  }

  #visit(conversationId?: string): Session {
    const session = this.#sessions.open(conversationId);
    this.#visited.set(session.id, session);
    return session;
  }
}

import type { Session } from "./session.js";

/**
 * Time in ms for which an unused session is kept. It applies only to a session that remembers something that is not in the log, such as an
 * approval "for this session".
 */
const rememberedMs = 60 * 60 * 1000;

/**
 * The sessions of this host, at most one for each conversation. A session is kept while it is in use. If it remembers something that is not
 * in the log, it is kept for an hour longer. All other sessions are referenced weakly: `open` returns such a session only while a front
 * door still refers to it, and otherwise creates a new one.
 */
export class LiveSessions {
  readonly #create: (conversationId: string) => Session;
  readonly #kept = new Map<string, Session>();
  readonly #busy = new Set<Session>();
  readonly #known = new Map<string, WeakRef<Session>>();
  readonly #expiries = new Map<Session, NodeJS.Timeout>();
  readonly #collected = new FinalizationRegistry<string>((conversationId) => {
    if (!this.find(conversationId)) this.#known.delete(conversationId);
  });

  constructor(create: (conversationId: string) => Session) {
    this.#create = create;
  }

  open(conversationId: string): Session {
    const known = this.find(conversationId);
    if (known) return known;
    const session = this.#create(conversationId);
    this.#known.set(conversationId, new WeakRef(session));
    this.#collected.register(session, conversationId, session);
    return session;
  }

  find(conversationId: string): Session | undefined {
    return this.#kept.get(conversationId) ?? this.#known.get(conversationId)?.deref();
  }

  get busy(): ReadonlySet<Session> {
    return this.#busy;
  }

  /** Returns true if the session is kept: it is in use, or it was in use in the last hour and remembers something. */
  isKept(conversationId: string): boolean {
    return this.#kept.has(conversationId);
  }

  get keptCount(): number {
    return this.#kept.size;
  }

  all(): Session[] {
    return [...this.#known.values()].flatMap((known) => known.deref() ?? []);
  }

  /** Decides anew whether the session is kept. Must be called whenever the session may have begun or ceased to be in use. */
  used(session: Session): void {
    if (this.find(session.id) !== session) return; // the session has been removed from the list meanwhile
    if (session.isBusy) this.#busy.add(session);
    else this.#busy.delete(session);
    clearTimeout(this.#expiries.get(session));
    this.#expiries.delete(session);
    if (session.isInUse) this.#kept.set(session.id, session);
    else if (session.runner.remembers) this.#expireLater(session);
    else this.#kept.delete(session.id);
  }

  /** Removes the session. `find` and `open` do not return this session any more, even if a caller still refers to it. */
  forget(session: Session): void {
    if (this.find(session.id) !== session) return;
    this.#kept.delete(session.id);
    this.#known.delete(session.id);
    this.#busy.delete(session);
    clearTimeout(this.#expiries.get(session));
    this.#expiries.delete(session);
    this.#collected.unregister(session);
  }

  #expireLater(session: Session): void {
    this.#kept.set(session.id, session);
    const expiry = setTimeout(() => {
      this.#expiries.delete(session);
      this.#kept.delete(session.id);
    }, rememberedMs);
    this.#expiries.set(session, expiry.unref());
  }
}

import type { ConversationSummary, ServerStatus } from "../core/ports.js";
import { Session, type SessionParts } from "./session.js";

/** All live conversations of this process. */
export class Sessions {
  readonly #parts: SessionParts;
  readonly #live = new Map<string, Session>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The one live session of a conversation; without an id, of a new one. */
  open(conversationId = this.#parts.newId("conv")): Session {
    const live = this.#live.get(conversationId) ?? new Session(conversationId, this.#parts);
    this.#live.set(conversationId, live);
    return live;
  }

  /** Conversations in the log, latest first. */
  list(): Promise<ConversationSummary[]> {
    return this.#parts.store.conversations();
  }

  /** Shows every running turn that a server is in another state now. */
  serverChanged({ name: server, state, reason }: ServerStatus): void {
    for (const session of this.#live.values()) session.tell({ type: "server_status", server, state, reason });
  }

  /** Cancels what runs and resolves when all of it is in the log. */
  async close(): Promise<void> {
    for (const session of this.#live.values()) session.cancel();
    await Promise.all([...this.#live.values()].map((session) => session.idle()));
  }
}

import type { Sessions } from "../session/sessions.js";
import { conversationEvents } from "./conversation-events.js";
import { followedMessages, type WireMessage } from "./protocol.js";

/** A client's `history` with `follow`. */
interface Following {
  requestId: string | null;
  conversationId: string;
}

/** Conversations that one client is told of as they go on. */
export class Followings {
  readonly #sessions: Sessions;
  readonly #send: (message: WireMessage) => Promise<void>;
  readonly #running = new Map<AbortController, string | null>();
  #isOver = false;

  constructor(sessions: Sessions, send: (message: WireMessage) => Promise<void>) {
    this.#sessions = sessions;
    this.#send = send;
  }

  /** `from`: the first `seq` that is not told yet. Resolves once it is cancelled. Rejects with StoreError, and with `from`. */
  async follow({ requestId, conversationId }: Following, from: Promise<number>): Promise<void> {
    const stopped = new AbortController();
    const { signal } = stopped;
    if (this.#isOver) stopped.abort();
    this.#running.set(stopped, requestId);
    try {
      const next = await from;
      if (signal.aborted) return;
      for await (const event of conversationEvents(this.#sessions.open(conversationId), next, signal)) {
        if (signal.aborted) return;
        for (const message of followedMessages(event, requestId)) await this.#send(message);
      }
    } finally {
      this.#running.delete(stopped);
    }
  }

  /** False when there is none of this request. */
  cancel(requestId: string): boolean {
    const meant = [...this.#running].filter(([, id]) => id === requestId);
    for (const [stopped] of meant) stopped.abort();
    return meant.length > 0;
  }

  /** All of them, and those that are still to come: the client is gone. */
  end(): void {
    this.#isOver = true;
    for (const stopped of this.#running.keys()) stopped.abort();
  }
}

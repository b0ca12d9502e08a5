import type { Sessions } from "../../session/sessions.js";
import { conversationEvents } from "./conversation-events.js";
import { followedMessages, type WireMessage } from "./protocol.js";

/** A client's `history` request with `follow`: new events are sent until the client cancels the request. */
interface Following {
  requestId: string | null;
  conversationId: string;
}

export class Followings {
  readonly #sessions: Sessions;
  readonly #send: (message: WireMessage) => Promise<void>;
  readonly #running = new Map<AbortController, string | null>();
  #isOver = false;

  constructor(sessions: Sessions, send: (message: WireMessage) => Promise<void>) {
    this.#sessions = sessions;
    this.#send = send;
  }

  /**
   * Sends events until the request is cancelled. `from` resolves to the first `seq` that was not sent yet. Rejects with StoreError, or with
   * the error of `from`.
   */
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

  /** Stops following for this request. Returns false if the request follows no conversation. */
  cancel(requestId: string): boolean {
    const meant = [...this.#running].filter(([, id]) => id === requestId);
    for (const [stopped] of meant) stopped.abort();
    return meant.length > 0;
  }

  /** Stops following all conversations. From then on, `follow` stops at once. Called when the client has disconnected. */
  end(): void {
    this.#isOver = true;
    for (const stopped of this.#running.keys()) stopped.abort();
  }
}

import { RequestError } from "../../core/errors.js";
import type { Sessions } from "../../session/sessions.js";
import { conversationEvents } from "./conversation-events.js";
import { followedMessages, type WireMessage } from "./protocol.js";
import { sessionChunk } from "./session-entry.js";

/** A client's `history` request with `follow`: new events are sent until the client cancels the request. */
interface Following {
  requestId: string | null;
  conversationId: string;
}

/** Key of the following of the list of conversations. No conversation has this id. */
const ofList = "";

export class Followings {
  readonly #sessions: Sessions;
  readonly #send: (message: WireMessage) => Promise<void>;
  readonly #running = new Map<AbortController, Following>();
  #isOver = false;

  constructor(sessions: Sessions, send: (message: WireMessage) => Promise<void>) {
    this.#sessions = sessions;
    this.#send = send;
  }

  /**
   * Sends events until the request is cancelled. `sendHistory` resolves to the first `seq` that was not sent yet. Rejects with StoreError,
   * with the error of `sendHistory`, and with RequestError `usage` if the client already follows the conversation: a client that follows it
   * many times would get, and keep in the host's memory, as many copies of each event.
   */
  async follow(following: Following, sendHistory: () => Promise<number>): Promise<void> {
    const { requestId, conversationId } = following;
    await this.#begin(following, async (signal) => {
      const next = await sendHistory();
      if (signal.aborted) return;
      for await (const event of conversationEvents(this.#sessions.open(conversationId), next, signal)) {
        if (signal.aborted) return;
        for (const message of followedMessages(event, requestId)) await this.#send(message);
      }
    });
  }

  /** Sends the latest conversations and every change of the list until the request is cancelled. Rejects as `follow` does. */
  async watchSessions(requestId: string): Promise<void> {
    await this.#begin({ requestId, conversationId: ofList }, async (signal) => {
      for await (const change of this.#sessions.watchList(signal)) {
        if (signal.aborted) return;
        await this.#send({ request_id: requestId, status: "chunk", chunk: sessionChunk(change) });
      }
    });
  }

  /** Stops following for this request. Returns false if the request follows no conversation. */
  cancel(requestId: string): boolean {
    const meant = [...this.#running].filter(([, following]) => following.requestId === requestId);
    for (const [stopped] of meant) {
      stopped.abort();
      this.#running.delete(stopped);
    }
    return meant.length > 0;
  }

  /** Stops following all conversations. From then on, `follow` stops at once. Called when the client has disconnected. */
  end(): void {
    this.#isOver = true;
    for (const stopped of this.#running.keys()) stopped.abort();
  }

  async #begin(following: Following, send: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#requireNotFollowed(following.conversationId);
    const stopped = new AbortController();
    if (this.#isOver) stopped.abort();
    this.#running.set(stopped, following);
    try {
      await send(stopped.signal);
    } finally {
      this.#running.delete(stopped);
    }
  }

  #requireNotFollowed(conversationId: string): void {
    const same = [...this.#running.values()].find((following) => following.conversationId === conversationId);
    if (!same) return;
    const hint = `cancel request "${same.requestId}" first, or use another connection`;
    const what = conversationId === ofList ? "the list" : `the conversation ${conversationId}`;
    throw new RequestError("usage", `${what} is already followed here`, { hint });
  }
}

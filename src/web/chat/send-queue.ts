import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { messageBody } from "../api/attached-file.js";
import type { ConversationLog } from "../api/conversation-log.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import { dropUnsent, keepUnsent, type UnsentMessage, unsentMessages } from "../api/unsent.js";

/** A message of the user that the log does not contain yet. */
export interface OutgoingMessage extends UnsentMessage {
  /** A `refused` message is sent again only if the user asks for it. */
  state: "waiting" | "accepted" | "refused";
  failure?: ApiFailure | undefined;
}

const againAfterMs = 1_000;
const longestPauseMs = 10_000;

/**
 * Queues that send, by conversation. A queue continues to send after its view was closed, until another view of the same conversation takes
 * over.
 */
const sending = new Map<string, SendQueue>();

interface SendQueueParts {
  api: Api;
  conversationId: string;
  log: ConversationLog;
}

/**
 * Sends the messages of one conversation in the order in which they were written: a message is sent when the host has accepted or refused
 * the message before it. Each attempt has the same request id, because the host runs a request id only once. When the conversation was
 * deleted, the queue keeps its messages and sends nothing more: the host would begin a new conversation with them.
 */
export class SendQueue {
  readonly #messages = signal<readonly OutgoingMessage[]>([]);
  readonly messages: ReadonlySignal<readonly OutgoingMessage[]> = this.#messages;
  readonly #isRefusedAsDeleted = signal(false);
  /** True after the host has said that the conversation was deleted. */
  readonly isDeleted: ReadonlySignal<boolean>;
  readonly #parts: SendQueueParts;
  #isSending = false;

  constructor(parts: SendQueueParts) {
    this.#parts = parts;
    this.isDeleted = computed(() => this.#isRefusedAsDeleted.value || parts.log.failure.value?.kind === "not_found");
    this.#messages.value = unsentMessages(parts.conversationId).map((message) => ({ ...message, state: "waiting" }));
  }

  add(written: Omit<UnsentMessage, "seen">): void {
    const message = { ...written, seen: this.#parts.log.seen };
    keepUnsent(this.#parts.conversationId, message);
    this.#messages.value = [...this.#messages.value, { ...message, state: "waiting" }];
    void this.send();
  }

  sendAgain({ requestId }: OutgoingMessage): void {
    this.#change(requestId, { state: "waiting", failure: undefined });
    void this.send();
  }

  takeBack({ requestId }: OutgoingMessage): void {
    this.remove(new Set([requestId]));
  }

  /** Removes messages, for example because the log contains them now. */
  remove(requestIds: ReadonlySet<string>): void {
    const rest = this.#messages.value.filter(({ requestId }) => !requestIds.has(requestId));
    if (rest.length === this.#messages.value.length) return;
    for (const { requestId } of this.#messages.value) {
      if (requestIds.has(requestId)) dropUnsent(this.#parts.conversationId, requestId);
    }
    this.#messages.value = rest;
  }

  /** Sends the waiting messages, in place of any other queue of this conversation. Resolves when no message waits. */
  async send(): Promise<void> {
    sending.set(this.#parts.conversationId, this);
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (sending.get(this.#parts.conversationId) === this) {
        const next = this.isDeleted.value ? undefined : this.#messages.value.find(({ state }) => state === "waiting");
        if (next) await this.#attempt(next);
        else sending.delete(this.#parts.conversationId);
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #attempt({ requestId, text, files = [], model, seen = this.#parts.log.seen }: OutgoingMessage): Promise<void> {
    const message = { request_id: requestId, ...messageBody({ text, files }), model, seen };
    try {
      await this.#parts.api.beginTurn(this.#parts.conversationId, message);
      dropUnsent(this.#parts.conversationId, requestId);
      this.#change(requestId, { state: "accepted", failure: undefined });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (seen && error.kind === "not_found") {
        this.#isRefusedAsDeleted.value = true;
        return;
      }
      this.#change(requestId, { state: error.isPassing ? "waiting" : "refused", failure: error });
      if (error.isPassing) await pause(Math.min(error.retryAfterMs ?? againAfterMs, longestPauseMs));
    }
  }

  #change(changedId: string, change: Pick<OutgoingMessage, "state" | "failure">): void {
    this.#messages.value = this.#messages.value.map((message) =>
      message.requestId === changedId ? { ...message, ...change } : message,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

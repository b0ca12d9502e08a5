import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { LogChange } from "../api/arrivals.js";
import type { ConversationLog } from "../api/conversation-log.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import type { StoredMessage } from "../api/host-messages.js";
import { newPageId } from "../shared/page-ids.js";
import { ConversationFold } from "./fold-conversation.js";
import { LiveAnswer } from "./live-answer.js";
import { SendQueue } from "./send-queue.js";
import { emptyConversation, runningTurn, type ShownConversation, type Turn } from "./shown-conversation.js";

interface ChatStateParts {
  api: Api;
  conversationId: string;
  log: ConversationLog;
  /** Called when the user sends a message, so that the conversation begins. */
  onBegun: () => void;
}

export class ChatState {
  readonly #conversation = signal<ShownConversation>(emptyConversation);
  readonly conversation: ReadonlySignal<ShownConversation> = this.#conversation;
  /** Messages that the log does not contain yet. */
  readonly outgoing: SendQueue;
  /** Error of the last action. Undefined if the last action succeeded. An error of an outgoing message is stored with that message. */
  readonly failure: Signal<string | undefined> = signal(undefined);
  readonly live = new LiveAnswer();
  readonly #fold = new ConversationFold();
  readonly #parts: ChatStateParts;

  constructor(parts: ChatStateParts) {
    this.#parts = parts;
    this.outgoing = new SendQueue(parts);
    this.#take({ stored: parts.log.stored.value, live: [], isAnew: false });
  }

  /** Follows the log until the returned function is called. Sends the messages that were not sent before. */
  watch(): () => void {
    void this.outgoing.send();
    return this.#parts.log.listen({
      changed: (change) => this.#take(change),
      prepended: (messages) => {
        this.#conversation.value = this.#fold.prepend(messages);
      },
    });
  }

  send(text: string, model?: string): void {
    this.#parts.onBegun();
    this.outgoing.add({ requestId: newPageId("req"), text, model });
  }

  /** Sends the request of a failed turn again under the same id, to the same model. The host then continues the turn. */
  sendAgain({ requestId, text, model }: Turn): Promise<void> {
    const { api, conversationId, log } = this.#parts;
    return this.#do(api.beginTurn(conversationId, { request_id: requestId, text, model, seen: log.seen }));
  }

  /** Cancels the running turn, if there is one. */
  cancel(): void {
    const { api, conversationId } = this.#parts;
    const turn = runningTurn(this.#conversation.value);
    if (turn) void this.#do(api.cancel(conversationId, turn.requestId));
  }

  answer(questionId: string, value: unknown): Promise<void> {
    const { api, conversationId } = this.#parts;
    return this.#do(api.answer(conversationId, questionId, value));
  }

  async #do(work: Promise<unknown>): Promise<void> {
    this.failure.value = undefined;
    try {
      await work;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.failure.value = error.message;
    }
  }

  #take({ stored, live, isAnew }: LogChange): void {
    if (stored.length > 0) {
      this.#conversation.value = this.#fold.add(stored);
      this.outgoing.remove(new Set(requestIdsIn(stored)));
    }
    if (isAnew || stored.some(({ chunk }) => endsAnswer.has(chunk.type))) this.live.clear();
    if (live.length > 0) this.live.take(live);
  }
}

const endsAnswer: ReadonlySet<string> = new Set(["usage", "turn_end", "turn_error"]);

function requestIdsIn(messages: readonly StoredMessage[]): string[] {
  return messages.flatMap(({ chunk }) => (chunk.type === "user_message" ? [chunk.metadata.request_id] : []));
}

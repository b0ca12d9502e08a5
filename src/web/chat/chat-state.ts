import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ConversationLog, LogChange } from "../api/conversation-log.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import { newPageId } from "../api/page-ids.js";
import { dropUnsent, keepUnsent, type UnsentMessage, unsentMessages } from "../api/unsent.js";
import { type Dialogue, DialogueFold, emptyDialogue, runningTurn, type Turn } from "./fold-turns.js";
import { LiveAnswer } from "./live-answer.js";

/** A message of the user that the log does not contain yet. */
export interface OutgoingMessage extends UnsentMessage {
  /** Error with which the last attempt to send the message failed. The message is sent again if the error may pass. */
  failure?: ApiFailure;
}

const againAfterMs = 1_000;

/**
 * Senders of unsent messages, by request id. A ChatState continues to send after its view was closed, until another view of the same
 * conversation takes over.
 */
const senders = new Map<string, ChatState>();

interface ChatStateParts {
  api: Api;
  conversationId: string;
  log: ConversationLog;
  /** Called when the user sends a message, so that the conversation begins. */
  onBegun: () => void;
}

export class ChatState {
  readonly dialogue: ReadonlySignal<Dialogue>;
  readonly outgoing: ReadonlySignal<readonly OutgoingMessage[]>;
  /** Error of the last action. Undefined if the last action succeeded. An error of an outgoing message is stored with that message. */
  readonly failure: Signal<string | undefined> = signal(undefined);
  readonly live = new LiveAnswer();
  readonly #dialogue = signal<Dialogue>(emptyDialogue);
  readonly #outgoing = signal<readonly OutgoingMessage[]>([]);
  readonly #fold = new DialogueFold();
  readonly #parts: ChatStateParts;

  constructor(parts: ChatStateParts) {
    this.#parts = parts;
    this.dialogue = this.#dialogue;
    this.outgoing = this.#outgoing;
    this.#outgoing.value = unsentMessages(parts.conversationId);
    this.#take({ stored: parts.log.stored.value, live: [], isAnew: false });
  }

  /** Follows the log until the returned function is called. Sends the messages that were not sent before. */
  watch(): () => void {
    for (const message of this.#outgoing.value) void this.#post(message);
    return this.#parts.log.listen((change) => this.#take(change));
  }

  async send(text: string, model?: string): Promise<void> {
    const message = { requestId: newPageId("req"), text, model };
    this.#outgoing.value = [...this.#outgoing.value, message];
    keepUnsent(this.#parts.conversationId, message);
    this.#parts.onBegun();
    await this.#post(message);
  }

  /** Sends a request again under the same id. The host then continues the turn of this request. */
  async sendAgain({ requestId, text, model }: Pick<OutgoingMessage, "requestId" | "text" | "model">): Promise<void> {
    await this.#post({ requestId, text, model });
  }

  forget({ requestId }: OutgoingMessage): void {
    dropUnsent(this.#parts.conversationId, requestId);
    this.#outgoing.value = this.#outgoing.value.filter((each) => each.requestId !== requestId);
  }

  cancel(turn: Turn | undefined = runningTurn(this.#dialogue.value)): void {
    const { api, conversationId } = this.#parts;
    if (turn) void this.#do(api.cancel(conversationId, turn.requestId));
  }

  answer(questionId: string, value: unknown): Promise<void> {
    const { api, conversationId } = this.#parts;
    return this.#do(api.answer(conversationId, questionId, value));
  }

  async #post({ requestId, text, model }: OutgoingMessage): Promise<void> {
    const { api, conversationId } = this.#parts;
    senders.set(requestId, this);
    while (senders.get(requestId) === this) {
      try {
        await api.beginTurn(conversationId, { request_id: requestId, text, ...(model && { model }) });
        dropUnsent(conversationId, requestId);
        senders.delete(requestId);
        this.#note(requestId, undefined);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        this.#note(requestId, error);
        if (error.isPassing) await new Promise((resolve) => setTimeout(resolve, againAfterMs));
        else senders.delete(requestId);
      }
    }
  }

  #note(requestId: string, failure: ApiFailure | undefined): void {
    const isKnown = this.#outgoing.value.some((each) => each.requestId === requestId);
    if (!isKnown && failure) this.failure.value = failure.message;
    this.#outgoing.value = this.#outgoing.value.map((each) =>
      each.requestId === requestId ? { ...each, failure } : each,
    );
  }

  async #do(work: Promise<void>): Promise<void> {
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
      this.#dialogue.value = this.#fold.with(this.#dialogue.value, stored);
      const known = new Set(this.#dialogue.value.turns.map(({ requestId }) => requestId));
      const rest = this.#outgoing.value.filter(({ requestId }) => !known.has(requestId));
      if (rest.length < this.#outgoing.value.length) this.#outgoing.value = rest;
    }
    if (isAnew || stored.some(({ chunk }) => endsAnswer.has(chunk.type))) this.live.clear();
    if (live.length > 0) this.live.take(live);
  }
}

const endsAnswer: ReadonlySet<string> = new Set(["usage", "turn_end", "turn_error"]);

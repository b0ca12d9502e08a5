import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Api, ApiFailure } from "../api/client.js";
import type { ConversationLog, LogChange } from "../api/conversation-log.js";
import { newId } from "../api/ids.js";
import { dropUnsent, keepUnsent, type UnsentMessage, unsentMessages } from "../api/unsent.js";
import { LiveAnswer } from "./live-answer.js";
import { type Dialogue, DialogueFold, emptyDialogue, runningTurn, type Turn } from "./turns.js";

/** A message of the user that is not in the log yet. */
export interface Outgoing extends UnsentMessage {
  /** Reason why the host refused the message, which is sent again if that may help. */
  failure?: ApiFailure;
}

const againAfterMs = 1_000;

/** Senders by request id. A state keeps sending after its view has gone, until another view of the conversation takes over. */
const senders = new Map<string, ChatState>();

interface ChatStateParts {
  api: Api;
  conversationId: string;
  log: ConversationLog;
  /** Called when a message is sent, so that the conversation begins. */
  onBegun: () => void;
}

export class ChatState {
  readonly dialogue: ReadonlySignal<Dialogue>;
  readonly outgoing: ReadonlySignal<readonly Outgoing[]>;
  /** Error of the last action, if it concerns no outgoing message. */
  readonly failure: Signal<string | undefined> = signal(undefined);
  readonly live = new LiveAnswer();
  readonly #dialogue = signal<Dialogue>(emptyDialogue);
  readonly #outgoing = signal<readonly Outgoing[]>([]);
  readonly #fold = new DialogueFold();
  readonly #parts: ChatStateParts;

  constructor(parts: ChatStateParts) {
    this.#parts = parts;
    this.dialogue = this.#dialogue;
    this.outgoing = this.#outgoing;
    this.#outgoing.value = unsentMessages(parts.conversationId);
    this.#take({ stored: parts.log.stored.value, live: [], isAnew: false });
  }

  /** Follows the log until the returned function is called. Sends what was not sent before. */
  watch(): () => void {
    for (const message of this.#outgoing.value) void this.#post(message);
    return this.#parts.log.listen((change) => this.#take(change));
  }

  async send(text: string, model?: string): Promise<void> {
    const message = { requestId: newId("req"), text, model };
    this.#outgoing.value = [...this.#outgoing.value, message];
    keepUnsent(this.#parts.conversationId, message);
    this.#parts.onBegun();
    await this.#post(message);
  }

  /** Sends the same request again, which continues its turn. */
  async sendAgain({ requestId, text, model }: Pick<Outgoing, "requestId" | "text" | "model">): Promise<void> {
    await this.#post({ requestId, text, model });
  }

  forget({ requestId }: Outgoing): void {
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

  async #post({ requestId, text, model }: Outgoing): Promise<void> {
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

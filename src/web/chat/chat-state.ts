import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { LogChange } from "../api/arrivals.js";
import type { WrittenMessage } from "../api/attached-file.js";
import type { ConversationLog } from "../api/conversation-log.js";
import { type Api, ApiFailure } from "../api/host-client.js";
import type { StoredMessage, VersionEntry } from "../api/host-messages.js";
import { listModels, type OfferedModel } from "../api/host-setup.js";
import { keepForm, keepUnsent } from "../api/unsent.js";
import { goTo } from "../shared/page-address.js";
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
  /** Id of the turn whose message is being edited. */
  readonly editing: Signal<string | undefined> = signal(undefined);
  /** Versions of this conversation, itself included. */
  readonly versions: Signal<readonly VersionEntry[]> = signal([]);
  readonly models: Signal<readonly OfferedModel[]> = signal([]);
  /** Takes the place of what stands in the message field, once. */
  readonly suggestedDraft: Signal<WrittenMessage | undefined> = signal(undefined);
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

  send({ text, files }: WrittenMessage, model?: string): void {
    this.#parts.onBegun();
    this.outgoing.add({ requestId: newPageId("req"), text, files, model });
  }

  /** Sends the request of a failed turn again under the same id, to the same model. The host then continues the turn. */
  async sendAgain(turn: Turn): Promise<void> {
    const { api, conversationId, log } = this.#parts;
    const { requestId, content, model } = turn;
    const message = { request_id: requestId, content, model, seen: log.seen };
    await this.#do(api.beginTurn(conversationId, message));
  }

  /**
   * Sends a message in place of a turn, in a version of this conversation that ends before the turn, and shows that version. Resolves with
   * false if the host has not made the version.
   */
  replace(turn: Turn, { text, files, model }: WrittenMessage & Pick<Turn, "model">): Promise<boolean> {
    const { api, conversationId, log } = this.#parts;
    const before = this.#conversation.value.turns.findLast(({ seq }) => seq < turn.seq);
    const isFirst = !before && !log.hasEarlier.value;
    const toSeq = isFirst ? 0 : Math.max(turn.seq - 1, before?.lastSeq ?? 0);
    const replace = async () => {
      const id = await api.fork(conversationId, { toSeq, isVersion: true });
      keepUnsent(id, { requestId: newPageId("req"), text, files, model });
      goTo("chat", id);
    };
    return this.#do(replace());
  }

  /** Copies the conversation up to the end of a turn, and shows the copy. */
  async forkAfter({ lastSeq }: Turn): Promise<void> {
    const { api, conversationId } = this.#parts;
    await this.#do(api.fork(conversationId, { toSeq: lastSeq }).then((id) => goTo("chat", id)));
  }

  /** Takes back a turn and all later ones. Its message becomes the draft. */
  async takeBack(turn: Turn): Promise<void> {
    const { api, conversationId } = this.#parts;
    await this.#do(
      api.rewind(conversationId, turn.seq - 1).then(() => {
        this.suggestedDraft.value = turn;
      }),
    );
  }

  /** Loads the versions. Without them, the page offers none to choose from. */
  async loadVersions(): Promise<void> {
    const { api, conversationId } = this.#parts;
    this.versions.value = await api.versions(conversationId).catch(() => []);
  }

  /** Loads the models. Without them, the page offers only the configured model. */
  async loadModels(): Promise<void> {
    const { models } = await listModels(this.#parts.api).catch(() => ({ models: [] }));
    this.models.value = models;
  }

  /** Cancels the running turn, if there is one. */
  cancel(): void {
    const { api, conversationId } = this.#parts;
    const turn = runningTurn(this.#conversation.value);
    if (turn) void this.#do(api.cancel(conversationId, turn.requestId));
  }

  async answer(questionId: string, value: unknown): Promise<void> {
    const { api, conversationId } = this.#parts;
    await this.#do(api.answer(conversationId, questionId, value).then(() => keepForm(questionId, undefined)));
  }

  /** Waits for the work. If the host refuses it or cannot be reached, `failure` says so, and the promise resolves with false. */
  async #do(work: Promise<unknown>): Promise<boolean> {
    this.failure.value = undefined;
    try {
      await work;
      return true;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.failure.value = error.message;
      return false;
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

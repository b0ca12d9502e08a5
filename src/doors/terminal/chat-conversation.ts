import type { ContentPart } from "../../core/messages.js";
import { conversationAccount } from "../../session/conversations/conversation-account.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import type { DoorParts } from "../shared/door.js";
import type { ReplOptions } from "./options.js";
import { promptFacts } from "./prompt-facts.js";

export class ChatConversation {
  readonly #parts: DoorParts;
  readonly #options: ReplOptions;
  #session: Session;
  #release: () => void;
  #account = conversationAccount([]);
  model: string | undefined;

  constructor(parts: DoorParts, options: ReplOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#session = parts.sessions.open(options.conversationId);
    this.#release = this.#session.hold();
    this.model = options.model;
  }

  get session(): Session {
    return this.#session;
  }

  /** Switches to another conversation. Without an id, switches to a new one. */
  enter(conversationId?: string): void {
    this.#release();
    this.#session = this.#parts.sessions.open(conversationId);
    this.#release = this.#session.hold();
    this.#account = conversationAccount([]);
  }

  /** Computes the usage of the conversation from the log. Rejects with StoreError. */
  async count(): Promise<void> {
    this.#account = conversationAccount(await this.#session.history());
  }

  submit(requestId: string, content: ContentPart[]): Promise<LiveTurn> {
    const { conversationId, toolNotifications, notices, host, ...options } = this.#options;
    const shown = { streamRecovery: "restart" as const, isTitled: true };
    return this.#session.submit({ ...options, ...shown, model: this.model, requestId, content });
  }

  get modelName(): string {
    const { provider, model } = this.#parts.resolveModel(this.model);
    return `${provider}/${model}`;
  }

  /** Facts about the model, the servers and the usage, as one line. The line may be longer than the terminal is wide. */
  get facts(): string {
    const contextWindow = this.#options.host?.contextWindow?.(this.model);
    const servers = this.#parts.hub.servers();
    return promptFacts({ model: this.modelName, servers, account: this.#account, contextWindow });
  }
}

/** Notices what other hosts write to conversations that are busy here, and receives mail for the turns of this host. */
import type { TurnLeases, TurnMail } from "../core/store-ports.js";

interface TurnNewsParts {
  turns: TurnLeases;
  nodeId: string;
  isBusy: (conversationId?: string) => boolean;
  mail: (conversationId: string, turnId: string, mail: TurnMail) => void;
  /** Called when this conversation, or any, may have changed. */
  changed: (conversationId?: string) => void;
  report: (error: unknown) => void;
}

const unknownVersion = -1;

export class TurnNews {
  readonly #parts: TurnNewsParts;
  /** Version of the log at the last check for mail; below all real ones if earlier mail may be unread. */
  #version = unknownVersion;
  /** Conversations that others wrote to since the last check; undefined: perhaps any. */
  readonly #news = new Set<string | undefined>();
  #isLooking = false;

  constructor(parts: TurnNewsParts) {
    this.#parts = parts;
  }

  /** Asks the log whether another host has written: one pragma, without a lock. */
  async poll(): Promise<void> {
    if (!this.#parts.isBusy()) return;
    const version = await this.#parts.turns.version();
    if (version === this.#version) return;
    this.#version = version;
    await this.#receiveOrAgain();
    this.#parts.changed();
  }

  /** Makes the next poll read the mail: this host's own writes do not change the version. */
  expect(): void {
    this.#version = unknownVersion;
  }

  /** Schedules a check. Notifications during a check lead to only one further check. */
  noticed(conversationId?: string): void {
    if (!this.#parts.isBusy(conversationId)) return;
    this.#news.add(conversationId);
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look()
      .catch(this.#parts.report)
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async receive(): Promise<void> {
    const { turns, nodeId, mail: deliver } = this.#parts;
    for (const { conversationId, turnId, mail } of await turns.receive(nodeId)) deliver(conversationId, turnId, mail);
  }

  async #look(): Promise<void> {
    while (this.#news.size > 0) {
      const news = [...this.#news];
      this.#news.clear();
      await this.#receiveOrAgain();
      for (const conversationId of news) this.#parts.changed(conversationId);
    }
  }

  /** Reads the mail. If the log cannot be read, it is polled again; listeners are notified all the same. */
  async #receiveOrAgain(): Promise<void> {
    try {
      await this.receive();
    } catch (error) {
      this.expect();
      this.#parts.report(error);
    }
  }
}

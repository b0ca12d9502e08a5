/** Notices what other hosts write to conversations in use here, and receives mail (answers and cancellations) for turns of this host. */
import type { TurnLeases, TurnMail } from "../core/turn-leases.js";

interface LogNewsParts {
  turns: TurnLeases;
  nodeId: string;
  isBusy: (conversationId?: string) => boolean;
  mail: (conversationId: string, turnId: string, mail: TurnMail) => void;
  /** Called when the conversation with this id may have changed. If the id is missing, any conversation may have changed. */
  changed: (conversationId?: string) => void;
  report: (error: unknown) => void;
}

const unknownVersion = -1;

export class LogNews {
  readonly #parts: LogNewsParts;
  /**
   * The log's counter of changes when the mail (messages from other hosts) was last read. While there may be unread mail, the value is
   * `unknownVersion`, so that the next check reads it.
   */
  #version = unknownVersion;
  /**
   * Ids of the conversations to which other hosts have written since the last check. An entry that is undefined stands for any
   * conversation.
   */
  readonly #news = new Set<string | undefined>();
  #isLooking = false;

  constructor(parts: LogNewsParts) {
    this.#parts = parts;
  }

  /** Checks whether another host has written to the log. In SQLite this takes one pragma and no lock. */
  async poll(): Promise<void> {
    if (!this.#parts.isBusy()) return;
    const version = await this.#parts.turns.version();
    if (version === this.#version) return;
    this.#version = version;
    await this.#receiveOrAgain();
    this.#parts.changed();
  }

  /**
   * Makes the next poll read the mail. Must be called after this host has sent mail, because writes of this host do not change the version
   * of the log.
   */
  expect(): void {
    this.#version = unknownVersion;
  }

  /** Schedules a check. However many notifications arrive during a check, one further check follows. */
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

  /**
   * Reads the mail. If that fails, reports the error, and the next poll tries again. Never rejects, so that the caller notifies its
   * listeners in any case.
   */
  async #receiveOrAgain(): Promise<void> {
    try {
      await this.receive();
    } catch (error) {
      this.expect();
      this.#parts.report(error);
    }
  }
}

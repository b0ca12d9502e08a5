/** What others write of conversations that are busy here, and what they say to the turns of this process. */
import type { TurnLeases, TurnMail } from "../core/store-ports.js";

interface TurnNewsParts {
  turns: TurnLeases;
  nodeId: string;
  /** Whether a turn runs or waits here: of this conversation, or of any. */
  isBusy: (conversationId?: string) => boolean;
  mail: (conversationId: string, turnId: string, mail: TurnMail) => void;
  /** Something may have changed: in this conversation, or in any. */
  changed: (conversationId?: string) => void;
  report: (error: unknown) => void;
}

const unknownVersion = -1;

export class TurnNews {
  readonly #parts: TurnNewsParts;
  /** Of the log, at the last look into the mail; below all others when there may be mail that came before it. */
  #version = unknownVersion;
  /** Conversations that others wrote to, and undefined for perhaps any, since the last look. */
  readonly #news = new Set<string | undefined>();
  #isLooking = false;

  constructor(parts: TurnNewsParts) {
    this.#parts = parts;
  }

  /** Asks the log whether another process has written: one pragma, without a lock. */
  async poll(): Promise<void> {
    if (!this.#parts.isBusy()) return;
    const version = await this.#parts.turns.version();
    if (version === this.#version) return;
    this.#version = version;
    await this.#receiveOrAgain();
    this.#parts.changed();
  }

  /** The next look into the mail is not put off: one's own writing does not count as a change. */
  expect(): void {
    this.#version = unknownVersion;
  }

  /** What is told while the log is asked is one more question, however much it is. */
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

  /** A log that cannot be read at the moment is polled again; nobody is told the less of what has changed. */
  async #receiveOrAgain(): Promise<void> {
    try {
      await this.receive();
    } catch (error) {
      this.expect();
      this.#parts.report(error);
    }
  }
}

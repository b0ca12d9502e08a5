/**
 * Checks that this host still owns a turn before a request is sent for the turn. The next write to the log would fail too if the turn is
 * lost. But a request before that write would be paid for twice, because the new owner sends it again, and the turn may wait for something
 * that never comes.
 */
import type { Custody } from "./turn-ownership.js";

interface HeldTurnParts {
  custody: Pick<Custody, "isSureSince" | "confirm" | "runs">;
  conversationId: string;
  turnId: string;
  /** A time at which this host certainly owned the turn, by the clock of `performance`. */
  since: number;
  /** Called when the turn is lost, or when the log cannot be asked. */
  onLost: (error: unknown) => void;
}

export class HeldTurn implements Disposable {
  readonly #parts: HeldTurnParts;
  readonly #leave: () => void;
  #since: number;

  constructor(parts: HeldTurnParts) {
    this.#parts = parts;
    this.#since = parts.since;
    this.#leave = parts.custody.runs(parts);
  }

  /**
   * Confirms that this host owns the turn. Returns undefined if that is certain without asking the log. Otherwise asks the log. The promise
   * rejects, after `onLost` was called, if nothing more may be sent for the turn.
   */
  readonly confirm = (): Promise<void> | undefined => {
    return this.#parts.custody.isSureSince(this.#since) ? undefined : this.#ask();
  };

  [Symbol.dispose](): void {
    this.#leave();
  }

  async #ask(): Promise<void> {
    const { custody, conversationId, turnId, onLost } = this.#parts;
    try {
      this.#since = await custody.confirm(conversationId, turnId);
    } catch (error) {
      onLost(error);
      throw error;
    }
  }
}

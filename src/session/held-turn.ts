/**
 * Checks that this host still owns a turn. Storing the next event would show a loss too, but a request sent before it is paid for twice,
 * and the turn may wait for something that never comes.
 */
import type { Custody } from "./custody.js";

interface HeldTurnParts {
  custody: Pick<Custody, "isSureSince" | "confirm" | "runs">;
  conversationId: string;
  turnId: string;
  /** When the turn was certainly owned, by the clock of `performance`. */
  since: number;
  /** Called when the turn is lost, or the log cannot tell. */
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

  /** Returns undefined if the turn is owned without asking the log. Rejects, after `onLost`, if nothing more may be sent for the turn. */
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

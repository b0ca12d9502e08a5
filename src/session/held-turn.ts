/**
 * Whether a turn is still this process's. Its next event would say so, but a request that is sent before that is paid for twice, and what
 * it waits for may never come.
 */
import type { Custody } from "./custody.js";

interface HeldTurnParts {
  custody: Pick<Custody, "isSureSince" | "confirm" | "runs">;
  conversationId: string;
  turnId: string;
  /** When it was surely this process's, by the clock of `performance`. */
  since: number;
  /** It is not, or the log does not say. */
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

  /** Undefined: it is, and nobody was asked. Rejects, after `onLost`, when nothing more may be sent for the turn. */
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

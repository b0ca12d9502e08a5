/** Whether a turn is still this process's. Its next event would say so, but a request that is sent before that is paid for twice. */
import type { TurnEngine } from "./engine.js";

interface HeldTurnParts {
  engine: Pick<TurnEngine, "isSureSince" | "confirm">;
  conversationId: string;
  turnId: string;
  /** When it was surely this process's, by the clock of `performance`. */
  since: number;
  /** It is not, or the log does not say. */
  onLost: (error: unknown) => void;
}

export class HeldTurn {
  readonly #parts: HeldTurnParts;
  #since: number;

  constructor(parts: HeldTurnParts) {
    this.#parts = parts;
    this.#since = parts.since;
  }

  /** Undefined: it is, and nobody was asked. Rejects, after `onLost`, when nothing more may be sent for the turn. */
  readonly confirm = (): Promise<void> | undefined => {
    return this.#parts.engine.isSureSince(this.#since) ? undefined : this.#ask();
  };

  async #ask(): Promise<void> {
    const { engine, conversationId, turnId, onLost } = this.#parts;
    try {
      this.#since = await engine.confirm(conversationId, turnId);
    } catch (error) {
      onLost(error);
      throw error;
    }
  }
}

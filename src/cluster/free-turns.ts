import type { AbandonedTurn, TurnName } from "../core/turn-leases.js";

/**
 * Gives turns that no host owns to hosts. A turn gets here only if it has lost its host: otherwise it belongs to the host that received its
 * request. Turns are offered again and again until a host owns them, so every method may be called again after a failure.
 */
export interface TurnDispatch {
  /** Starts to give turns to this host. `take` is called with each turn that this host owns from then on. Rejects with StoreError. */
  begin(nodeId: string, take: (turn: TurnName) => void): Promise<void>;
  /** Offers turns that no host owns to all hosts. Must be called from time to time, also without turns. */
  offer(turns: readonly AbandonedTurn[]): Promise<void>;
  /** Stops giving turns to this host. May be called again after a failure. */
  retire(): Promise<void>;
}

interface FreeTurnsParts {
  /** Resolves with the turns that no host owns. */
  find: () => Promise<AbandonedTurn[]>;
  give: (free: AbandonedTurn[]) => Promise<void>;
  /** False if this host takes no turns that belonged to other hosts. */
  isWanted: () => boolean;
}

/** Searches for turns that no host owns, and gives them to hosts. Runs one search at a time. */
export class FreeTurns {
  readonly #parts: FreeTurnsParts;
  #offering: Promise<void> | undefined;
  #mayExist = false;

  constructor(parts: FreeTurnsParts) {
    this.#parts = parts;
  }

  /** True if turns may have become free since the last search began, or if that search has failed. */
  get mayExist(): boolean {
    return this.#mayExist;
  }

  /** Resolves when all turns that are free at the time of the call have been given to hosts. Rejects with StoreError. */
  offer(): Promise<void> {
    this.#mayExist = true;
    this.#offering ??= this.#offerAll().finally(() => {
      this.#offering = undefined;
    });
    return this.#offering;
  }

  /** A call of `offer` during a search makes one further search follow. */
  async #offerAll(): Promise<void> {
    const { find, give, isWanted } = this.#parts;
    while (this.#mayExist && isWanted()) {
      this.#mayExist = false;
      try {
        await give(await find());
      } catch (error) {
        this.#mayExist = true;
        throw error;
      }
    }
  }
}

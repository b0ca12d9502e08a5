import type { AbandonedTurn } from "../core/turn-leases.js";

interface FreeTurnsParts {
  /** Resolves with the turns that no host owns. */
  find: () => Promise<AbandonedTurn[]>;
  /** Gives these turns to hosts. */
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

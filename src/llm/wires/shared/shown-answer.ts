import type { Delta } from "../../../core/messages.js";
import type { FoldOptions } from "../wire.js";

/** Shows the pieces of an answer as deltas. `progress` counts the pieces, so that a reader can tell whether an answer is still growing. */
export class ShownAnswer {
  readonly #onDelta: (delta: Delta) => void;
  #onFirst: (() => void) | undefined;
  progress = 0;

  constructor({ onDelta, onFirst }: FoldOptions) {
    this.#onDelta = onDelta;
    this.#onFirst = onFirst;
  }

  show(type: Delta["type"], delta: string | undefined): void {
    if (!delta) return;
    this.progress++;
    if (this.#onFirst) {
      this.#onFirst();
      this.#onFirst = undefined;
    }
    this.#onDelta({ type, delta });
  }
}

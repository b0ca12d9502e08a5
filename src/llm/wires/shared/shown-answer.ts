import type { Delta } from "../../../core/messages.js";
import type { FoldOptions } from "../wire.js";

/**
 * Shows the pieces of an answer as deltas, and measures the answer: `progress` and `length` are those of `AnswerFold`.
 */
export class ShownAnswer {
  readonly #onDelta: (delta: Delta) => void;
  #onFirst: (() => void) | undefined;
  readonly #onBegun: (() => void) | undefined;
  progress = 0;
  length = 0;

  constructor({ onDelta, onFirst, onBegun }: FoldOptions) {
    this.#onDelta = onDelta;
    this.#onFirst = onFirst;
    this.#onBegun = onBegun;
  }

  /** Counts a piece that is not shown, such as arguments. `measured`: the number of its characters that are in `length` already. */
  take(piece: unknown, measured = 0): void {
    if (this.progress++ === 0) this.#onBegun?.();
    this.measure(piece, measured);
  }

  /** Measures what belongs to a piece that is counted already or that alone does not count as progress, such as a signature. */
  measure(piece: unknown, measured = 0): void {
    const length = typeof piece === "string" ? piece.length : (JSON.stringify(piece)?.length ?? 0);
    this.length += Math.max(0, length - measured);
  }

  show(type: Delta["type"], delta: string | undefined): void {
    if (!delta) return;
    this.take(delta);
    if (this.#onFirst) {
      this.#onFirst();
      this.#onFirst = undefined;
    }
    this.#onDelta({ type, delta });
  }
}

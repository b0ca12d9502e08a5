import type { Delta, Discard } from "../../core/messages.js";

/** Called for each delta and each discard. Must not throw. */
export type OnDelta = (delta: Delta | Discard) => void;

/**
 * Tracks whether a completion has shown output, from any of the providers asked. This class is not called for each delta, since there are
 * many deltas.
 */
export class Showing {
  readonly onDelta: OnDelta;
  /** False if there is no `onDelta`: nothing is shown then. */
  readonly isWatched: boolean;
  readonly #restart: boolean;
  #isShown = false;
  /**
   * True if the output shown so far is from a provider that failed afterwards. A `discard` voids it before the next output, or when the
   * completion succeeds.
   */
  #isVoid = false;

  /**
   * If `restart` is true, a request may begin again after output was shown. A delta of type `discard` then tells the viewer to drop that
   * output.
   */
  constructor(onDelta: OnDelta | undefined, restart: boolean) {
    this.onDelta = onDelta ?? (() => {});
    this.isWatched = onDelta !== undefined;
    this.#restart = restart;
  }

  get isOpen(): boolean {
    return this.#restart || !this.#isShown;
  }

  /** Prepares for the next provider. */
  next(): void {
    this.#isVoid = this.#isShown;
  }

  begin(): void {
    this.settle();
    this.#isShown = true;
  }

  discard(reason: string): void {
    this.settle();
    this.#isShown = false;
    this.onDelta({ type: "discard", reason });
  }

  settle(): void {
    if (this.#isVoid) this.onDelta({ type: "discard", reason: "another provider answers" });
    this.#isVoid = false;
  }
}

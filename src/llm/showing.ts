import type { Delta, Discard } from "../core/chat.js";

/** Must not throw. */
export type OnDelta = (delta: Delta | Discard) => void;

/** The output that a completion has shown, over all providers asked. Deltas bypass it, since they are many. */
export class Showing {
  readonly onDelta: OnDelta;
  readonly #isWatched: boolean;
  readonly #restart: boolean;
  #isShown = false;
  /** True if the shown answer will not be completed. */
  #isVoid = false;

  /** `restart`: a `discard` may void what was shown. Without `onDelta` nothing is shown. */
  constructor(onDelta: OnDelta | undefined, restart: boolean) {
    this.onDelta = onDelta ?? (() => {});
    this.#isWatched = onDelta !== undefined;
    this.#restart = restart;
  }

  get isOpen(): boolean {
    return this.#restart || !this.#isShown;
  }

  /** Prepares for the next provider. Returns undefined if nobody watches. */
  next(): Showing | undefined {
    this.#isVoid = this.#isShown;
    return this.#isWatched ? this : undefined;
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

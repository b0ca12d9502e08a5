import type { Delta, Discard } from "../core/chat.js";

/** Must not throw. */
export type OnDelta = (delta: Delta | Discard) => void;

/**
 * What a completion has shown so far, over all providers that were asked for it. It is told when an answer begins to be shown, and deltas
 * pass it by: they are many.
 */
export class Showing {
  readonly onDelta: OnDelta;
  readonly #isWatched: boolean;
  readonly #restart: boolean;
  #isShown = false;
  /** What is shown belongs to an answer that nobody will complete. */
  #isVoid = false;

  /** `restart`: what was shown may be voided by a `discard`. Without `onDelta` nothing is shown. */
  constructor(onDelta: OnDelta | undefined, restart: boolean) {
    this.onDelta = onDelta ?? (() => {});
    this.#isWatched = onDelta !== undefined;
    this.#restart = restart;
  }

  /** Another provider may still write the answer. */
  get isOpen(): boolean {
    return this.#restart || !this.#isShown;
  }

  /** For the next provider that is asked: undefined when nobody watches. */
  next(): Showing | undefined {
    this.#isVoid = this.#isShown;
    return this.#isWatched ? this : undefined;
  }

  /** Deltas of an answer will be shown. */
  begin(): void {
    this.settle();
    this.#isShown = true;
  }

  discard(reason: string): void {
    this.settle();
    this.#isShown = false;
    this.onDelta({ type: "discard", reason });
  }

  /** The answer is whole, with or without anything to show. */
  settle(): void {
    if (this.#isVoid) this.onDelta({ type: "discard", reason: "another provider answers" });
    this.#isVoid = false;
  }
}

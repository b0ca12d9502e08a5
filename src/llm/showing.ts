import type { Delta, Discard } from "../core/chat.js";

/** Must not throw. */
export type OnDelta = (delta: Delta | Discard) => void;

/**
 * The output that a completion has shown so far, over all providers asked. Notified when an answer begins; deltas bypass it, since they are
 * many.
 */
export class Showing {
  readonly onDelta: OnDelta;
  readonly #isWatched: boolean;
  readonly #restart: boolean;
  #isShown = false;
  /** True if what is shown belongs to an answer that nobody will complete. */
  #isVoid = false;

  /** `restart`: a `discard` may void what was shown. Without `onDelta` nothing is shown. */
  constructor(onDelta: OnDelta | undefined, restart: boolean) {
    this.onDelta = onDelta ?? (() => {});
    this.#isWatched = onDelta !== undefined;
    this.#restart = restart;
  }

  /** True while another provider may still write the answer. */
  get isOpen(): boolean {
    return this.#restart || !this.#isShown;
  }

  /** Prepares for the next provider. Returns undefined if nobody watches. */
  next(): Showing | undefined {
    this.#isVoid = this.#isShown;
    return this.#isWatched ? this : undefined;
  }

  /** Notes that deltas of an answer will be shown. */
  begin(): void {
    this.settle();
    this.#isShown = true;
  }

  discard(reason: string): void {
    this.settle();
    this.#isShown = false;
    this.onDelta({ type: "discard", reason });
  }

  /** Voids what an earlier provider has shown, now that the answer begins or is whole. */
  settle(): void {
    if (this.#isVoid) this.onDelta({ type: "discard", reason: "another provider answers" });
    this.#isVoid = false;
  }
}

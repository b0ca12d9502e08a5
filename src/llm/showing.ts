import type { OnDelta } from "./attempts.js";

/** What a completion has shown so far, over all providers that were asked for it. */
export class Showing {
  readonly #onDelta: OnDelta | undefined;
  readonly #restart: boolean;
  #isShown = false;
  /** What is shown belongs to an answer that nobody will complete. */
  #isVoid = false;

  /** `restart`: what was shown may be voided by a `discard`. Without `onDelta` nothing is shown. */
  constructor(onDelta: OnDelta | undefined, restart: boolean) {
    this.#onDelta = onDelta;
    this.#restart = restart;
  }

  /** Another provider may still write the answer. */
  get isOpen(): boolean {
    return this.#restart || !this.#isShown;
  }

  /** For the next provider that is asked: undefined when nobody watches. */
  next(): OnDelta | undefined {
    this.#isVoid = this.#isShown;
    return this.#onDelta && ((delta) => this.#show(delta));
  }

  /** The answer is whole, with or without anything to show. */
  settle(): void {
    if (this.#isVoid) this.#onDelta?.({ type: "discard", reason: "another provider answers" });
    this.#isVoid = false;
  }

  #show(delta: Parameters<OnDelta>[0]): void {
    this.settle();
    this.#isShown = delta.type !== "discard";
    this.#onDelta?.(delta);
  }
}

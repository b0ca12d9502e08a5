/** Parts of the page that are loaded when they are first needed. */
import { type ReadonlySignal, signal } from "@preact/signals";

/** A part of the page. Until `comesFrom` is called, it is never loaded: the file of an exported conversation does without. */
class OnDemand<Part> {
  readonly #part = signal<Part | undefined>(undefined);
  /** The part, once it is loaded. */
  readonly part: ReadonlySignal<Part | undefined> = this.#part;
  #load: (() => Promise<Part>) | undefined;

  comesFrom(load: () => Promise<Part>): void {
    this.#load = load;
  }

  /** Loads the part, once. If that fails, a later call tries again. */
  need(): void {
    const load = this.#load;
    this.#load = undefined;
    load?.().then(
      (part) => {
        this.#part.value = part;
      },
      () => {
        this.#load = load;
      },
    );
  }
}

export const codeColours = new OnDemand<typeof import("./code-colours.js")>();
export const mathsTypesetting = new OnDemand<typeof import("./typeset-maths.js")>();

/** The postponed start of a server. Until the start, the host offers the lists that the server sent in an earlier run. */
import type { KeptConnection } from "./kept-connection.js";
import type { Condition } from "./server-condition.js";

interface PostponedStartParts {
  isLazy: boolean;
  condition: Condition;
  kept: KeptConnection;
}

export class PostponedStart {
  readonly #parts: PostponedStartParts;
  #isPostponed = false;
  #starting: Promise<void> | undefined;

  constructor(parts: PostponedStartParts) {
    this.#parts = parts;
  }

  get isPostponed(): boolean {
    return this.#isPostponed;
  }

  /** True if the server may be started before it is used. A lazy server may not. */
  get mayStartUnused(): boolean {
    return this.#isPostponed && !this.#parts.isLazy;
  }

  postpone(): void {
    this.#isPostponed = true;
    this.#parts.condition.set("ready", "its tools are known; it starts at its first use");
  }

  /**
   * Starts a postponed server, unless it is lazy and therefore starts only at its first use. Resolves when no postponed start is running.
   */
  async startInBackground(): Promise<void> {
    if (this.mayStartUnused) this.#start();
    await this.#starting;
  }

  /**
   * Starts a postponed server because it is used for the first time. Returns a promise that resolves when the start is over. Returns
   * undefined if no postponed start is running.
   */
  startForUse(): Promise<void> | undefined {
    if (this.#isPostponed) this.#start();
    if (this.#starting) this.#parts.kept.hurry();
    return this.#starting;
  }

  #start(): void {
    const { condition, kept } = this.#parts;
    this.#isPostponed = false;
    condition.set("starting");
    this.#starting = kept.start().finally(() => {
      this.#starting = undefined;
    });
  }
}

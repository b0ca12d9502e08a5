/** The postponed start of a server. Until the start, the host offers the lists that the server sent in an earlier run. */
import type { KeptConnection } from "./kept-connection.js";
import type { Condition } from "./server-condition.js";

interface LateStartParts {
  isLazy: boolean;
  condition: Condition;
  kept: KeptConnection;
}

export class LateStart {
  readonly #parts: LateStartParts;
  #isPending = false;
  #starting: Promise<void> | undefined;

  constructor(parts: LateStartParts) {
    this.#parts = parts;
  }

  get isPending(): boolean {
    return this.#isPending;
  }

  /** True if the server may be started before it is used. A lazy server may not. */
  get isDue(): boolean {
    return this.#isPending && !this.#parts.isLazy;
  }

  postpone(): void {
    this.#isPending = true;
    this.#parts.condition.set("ready", "its tools are known; it starts at its first use");
  }

  /** Starts a postponed server, unless it is lazy and therefore starts only at its first use. Resolves when no start is running. */
  async startRemembered(): Promise<void> {
    if (this.isDue) this.#start();
    await this.#starting;
  }

  /**
   * Starts a postponed server because it is used for the first time. Returns a promise that resolves when the start is over. Returns
   * undefined if no start is running.
   */
  used(): Promise<void> | undefined {
    if (this.#isPending) this.#start();
    if (this.#starting) this.#parts.kept.hurry();
    return this.#starting;
  }

  #start(): void {
    const { condition, kept } = this.#parts;
    this.#isPending = false;
    condition.set("starting");
    this.#starting = kept.start().finally(() => {
      this.#starting = undefined;
    });
  }
}

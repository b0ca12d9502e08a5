/** The postponed start of a server. Until the start, the host offers the lists that the server sent in an earlier run. */
import { setTimeout as sleep } from "node:timers/promises";
import type { KeptConnection } from "./kept-connection.js";
import type { Condition } from "./server-condition.js";

/**
 * Longest delay of a postponed start, in ms. The first request to the model ends the delay earlier (see `hurry`). If servers started at
 * once, they would take processor time from the starting host: with 8 servers on 2 cores, the time until the first request was sent was 4
 * times as long.
 */
const latestMs = 1000;

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

  putOff(): void {
    const { isLazy, condition } = this.#parts;
    this.#isPending = true;
    if (isLazy) condition.set("ready", "it starts at its first use");
    else void this.#startInTime();
  }

  /** Starts the server now, unless it is lazy and so starts only at its first use. Called when the processor is free. */
  hurry(): void {
    if (this.#isPending && !this.#parts.isLazy) this.#start();
  }

  /**
   * Starts a postponed server because it is used for the first time. Returns a promise that resolves when the start is over. Returns
   * undefined if no start is running.
   */
  used(): Promise<void> | undefined {
    if (this.#isPending) this.#start();
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

  async #startInTime(): Promise<void> {
    const { closing: signal } = this.#parts.kept;
    await sleep(latestMs, undefined, { signal, ref: false }).then(
      () => this.hurry(),
      () => {},
    );
  }
}

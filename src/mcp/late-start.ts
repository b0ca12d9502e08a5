/** A postponed start: until then the server offers what it offered last time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Condition } from "./condition.js";
import type { KeptConnection } from "./kept-connection.js";

/**
 * Latest start of remembered servers if no request was sent before (see `hurry`). They would take the processor from a host that is
 * starting: with 8 of them on 2 cores the first request left 4 times later.
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

  /** Starts the server unless it is lazy: the processor is free. */
  hurry(): void {
    if (this.#isPending && !this.#parts.isLazy) this.#start();
  }

  /** Starts the server for its first use. Returns what to wait for, undefined if it has started. */
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

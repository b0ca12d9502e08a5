/** A start that is put off: the server lives on what it offered the last time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Condition } from "./condition.js";
import type { KeptConnection } from "./kept-connection.js";

/**
 * When servers start of which enough is known for a request, if none was sent until then (see `hurry`). They would take the processor from
 * a host that is starting itself: with 8 of them on 2 cores the first request left 4 times later.
 */
const latestMs = 1000;

interface LateStartParts {
  /** Not before its first use. */
  isLazy: boolean;
  condition: Condition;
  kept: KeptConnection;
}

export class LateStart {
  readonly #parts: LateStartParts;
  #isPending = false;
  /** The start that the first use waits for. */
  #starting: Promise<void> | undefined;

  constructor(parts: LateStartParts) {
    this.#parts = parts;
  }

  /** Whether the server is still to be started. */
  get isPending(): boolean {
    return this.#isPending;
  }

  putOff(): void {
    const { isLazy, condition } = this.#parts;
    this.#isPending = true;
    if (isLazy) condition.set("ready", "it starts at its first use");
    else void this.#startInTime();
  }

  /** The processor is free for it. */
  hurry(): void {
    if (this.#isPending && !this.#parts.isLazy) this.#start();
  }

  /** It is about to be used: what to wait for, where it has not started before. */
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

/** Adds messages of an earlier version to the index for searches, in the background. Until that is done, searches look at titles only. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";

/** State of the index after a step. `done` and `total` are numbers of messages or conversations. */
export interface FillProgress {
  done: number;
  total: number;
  isOver: boolean;
}

/** Time, in ms, from the opening of a log to the first step, so that a short command is not delayed. */
const firstPauseMs = 500;
/** Time, in ms, between two observations of the progress. */
const reportMs = 10_000;

interface SearchFillParts {
  /** Adds some messages. Returns undefined if all messages are in the index. */
  step: () => Promise<FillProgress | undefined>;
  /** Time between two steps, in ms. */
  pauseMs: number;
  observe: Observe;
}

export class SearchFill {
  readonly #end = new AbortController();
  readonly #running: Promise<void>;

  constructor({ step, pauseMs, observe }: SearchFillParts) {
    this.#running = this.#run({ step, pauseMs, observe }).catch((error) => {
      if (this.#end.signal.aborted) return;
      const message = `searches find older conversations by their titles only: ${messageOf(error)}`;
      observe({ level: "warn", scope: "history", message });
    });
  }

  /** Stops after the current step. The next host continues. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #run({ step, pauseMs, observe }: SearchFillParts): Promise<void> {
    const pause = (ms: number) => sleep(ms, undefined, { signal: this.#end.signal, ref: false });
    await pause(firstPauseMs);
    let reportedAt = 0;
    for (let progress = await step(); progress; progress = await step()) {
      const { done, total, isOver } = progress;
      if (isOver || performance.now() - reportedAt >= reportMs) {
        const message = isOver
          ? "searches find all conversations by their messages"
          : `searches find older conversations by their titles only, until their messages are in the index: ${done} of ${total}`;
        observe({ level: "info", scope: "history", message });
        reportedAt = performance.now();
      }
      await pause(pauseMs);
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { UsageCounters, UsageProgress } from "../../core/usage-store.js";

/** Pause in ms after each part, so that a host with much to count still serves. */
const pauseMs = 20;
/** Time in ms between two log lines about the progress. */
const reportedEveryMs = 10_000;

/** Counts the usage of all conversations that are not counted yet. Rejects with StoreError. */
export async function countOlder(
  usage: UsageCounters,
  { onProgress, pause }: { onProgress: (progress: UsageProgress) => void; pause: () => Promise<unknown> },
): Promise<void> {
  for (let progress = await usage.progress(); progress; progress = await usage.countOlder()) {
    onProgress(progress);
    await pause();
  }
}

/** Counts the usage of older conversations in the background, while the host serves. */
export class OlderUsage {
  readonly #usage: UsageCounters;
  readonly #observe: Observe;
  readonly #closed = new AbortController();
  #counting: Promise<void> | undefined;

  constructor(usage: UsageCounters, observe: Observe) {
    this.#usage = usage;
    this.#observe = observe;
  }

  start(): void {
    this.#counting ??= this.#count();
  }

  /** Waits for the part that is being counted. The next host continues with the next one. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#counting;
  }

  async #count(): Promise<void> {
    const { signal } = this.#closed;
    let reportedAt = performance.now() - reportedEveryMs;
    const onProgress = ({ counted, conversations }: UsageProgress) => {
      if (performance.now() - reportedAt < reportedEveryMs) return;
      reportedAt = performance.now();
      const message = "counting the usage of conversations that an earlier version wrote";
      this.#observe({ level: "info", scope: "history", message, fields: { counted, conversations } });
    };
    try {
      await countOlder(this.#usage, { onProgress, pause: () => sleep(pauseMs, undefined, { signal, ref: false }) });
    } catch (error) {
      if (!signal.aborted) this.#observe({ level: "warn", scope: "history", message: messageOf(error) });
    }
  }
}

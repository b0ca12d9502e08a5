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
  /** Time in ms after which the counting is tried again if the log has failed. */
  readonly #retryMs: number;
  readonly #closed = new AbortController();
  #counting: Promise<void> | undefined;

  constructor(usage: UsageCounters, observe: Observe, retryMs = 60_000) {
    this.#usage = usage;
    this.#observe = observe;
    this.#retryMs = retryMs;
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
    const wait = (ms: number) => sleep(ms, undefined, { signal, ref: false });
    while (!signal.aborted) {
      try {
        await countOlder(this.#usage, { onProgress, pause: () => wait(pauseMs) });
        return;
      } catch (error) {
        if (!signal.aborted) this.#observe({ level: "warn", scope: "history", message: messageOf(error) });
      }
      await wait(this.#retryMs).catch(() => {}); // rejects when this host closes
    }
  }
}

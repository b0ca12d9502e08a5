import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../shared/wait.js";

export interface PingOptions {
  ping(signal: AbortSignal): Promise<void>;
  /** Returns true while the server handles a call. A busy server is not pinged, because some servers can do only one thing at a time. */
  isBusy(): boolean;
  intervalMs: number;
  signal: AbortSignal;
  answered(ms: number): void;
}

const longestAnswerMs = 10_000;
const maxSilences = 2;

/** Pings the server at intervals. Resolves after two pings in a row without an answer. Rejects when the signal aborts. */
export async function untilSilent({ ping, isBusy, intervalMs, signal, answered }: PingOptions): Promise<void> {
  for (let silences = 0; silences < maxSilences; ) {
    await sleep(intervalMs, undefined, { signal, ref: false });
    if (isBusy()) continue;
    const askedAt = performance.now();
    try {
      await within(Math.min(intervalMs, longestAnswerMs), signal, ping);
      answered(performance.now() - askedAt);
      silences = 0;
    } catch {
      signal.throwIfAborted();
      silences = isBusy() ? 0 : silences + 1;
    }
  }
}

import { McpError } from "../core/errors.js";
import type { ToolProgress } from "../core/ports.js";
import { longestTimerMs } from "./wait.js";

export interface Limits {
  /** Without an answer or progress. */
  timeoutMs: number;
  /** Also with progress. */
  maxTotalTimeoutMs?: number;
  signal?: AbortSignal;
  onProgress?: (progress: ToolProgress) => void;
}

/** The clock of a request's silence, as its running sees it. */
export interface Clock {
  progress(progress: ToolProgress): void;
  /** Silence does not count until the result is called: it is this host that the other side waits for. */
  pause(): () => void;
}

/**
 * Runs one request under its limits, with an AbortController of its own: the SDK never takes its listener off the signal it is
 * given, and looks at a total limit only when progress arrives (typescript-sdk 1.32.2). Rejects with the reason of the abort.
 */
export async function withLimits<T>(
  { timeoutMs, maxTotalTimeoutMs, signal, onProgress }: Limits,
  run: (signal: AbortSignal, clock: Clock) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const expireAfter = (ms: number, what: string) =>
    setTimeout(
      () => controller.abort(new McpError("timeout", `${what} within ${ms / 1000} s`, { retryable: true })),
      Math.min(ms, longestTimerMs),
    );
  const listen = () => expireAfter(timeoutMs, "no answer and no progress");
  let pauses = 0;
  let isOver = false;
  let idle: NodeJS.Timeout | undefined = listen();
  const pause = () => {
    clearTimeout(idle);
    idle = undefined;
    pauses += 1;
    return () => {
      pauses -= 1;
      if (pauses === 0 && !isOver) idle = listen();
    };
  };
  const total = maxTotalTimeoutMs === undefined ? undefined : expireAfter(maxTotalTimeoutMs, "not finished");
  const cancel = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const progress = (news: ToolProgress) => {
      idle?.refresh();
      onProgress?.(news);
    };
    return await run(controller.signal, { progress, pause });
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    isOver = true;
    clearTimeout(idle);
    clearTimeout(total);
    signal?.removeEventListener("abort", cancel);
  }
}

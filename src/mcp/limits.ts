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

/**
 * Runs one request under its limits, with an AbortController of its own: the SDK never takes its listener off the signal it is
 * given, and looks at a total limit only when progress arrives (typescript-sdk 1.32.2). Rejects with the reason of the abort.
 */
export async function withLimits<T>(
  { timeoutMs, maxTotalTimeoutMs, signal, onProgress }: Limits,
  run: (signal: AbortSignal, onProgress: (progress: ToolProgress) => void) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const expireAfter = (ms: number, what: string) =>
    setTimeout(
      () => controller.abort(new McpError("timeout", `${what} within ${ms / 1000} s`, { retryable: true })),
      Math.min(ms, longestTimerMs),
    );
  const idle = expireAfter(timeoutMs, "no answer and no progress");
  const total = maxTotalTimeoutMs === undefined ? undefined : expireAfter(maxTotalTimeoutMs, "not finished");
  const cancel = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await run(controller.signal, (progress) => {
      idle.refresh();
      onProgress?.(progress);
    });
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(idle);
    clearTimeout(total);
    signal?.removeEventListener("abort", cancel);
  }
}

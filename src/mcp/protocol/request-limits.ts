import { LinkedAbort } from "../../core/async/abort.js";
import { longestTimerMs } from "../../core/async/timers.js";
import type { ToolProgress } from "../../core/ports.js";
import { waitText } from "../../core/text/durations.js";
import { beginningOf } from "../../core/text/excerpt.js";
import { OutcomeUnknown } from "../shared/request-failures.js";

/**
 * Number of progress reports of one request that are all passed on. Later reports are limited to one a second. A turn keeps its reports
 * until it ends, for watchers that come later. Without a limit, the reports of a server could fill the host's memory.
 */
const mostReports = 500;
const laterReportsMs = 1_000;
const longestReport = 1_000;

export interface Limits {
  /** Longest time in ms without an answer or progress. */
  timeoutMs?: number;
  /** Longest total time of the request in ms, even if it reports progress. */
  maxTotalTimeoutMs?: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ToolProgress) => void) | undefined;
}

/**
 * The limits of one request. Until `end` is called, `signal` aborts when a limit is reached or when the given signal aborts. The timers keep
 * the process alive. If the given signal has already aborted, the constructor throws its reason.
 */
export class RequestLimits {
  /** True once `end` was called. */
  isOver = false;
  readonly #abort: LinkedAbort;
  readonly #onProgress: Limits["onProgress"];
  readonly #silence: NodeJS.Timeout | undefined;
  readonly #total: NodeJS.Timeout | undefined;
  #pauses = 0;
  #reports = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor({ timeoutMs, maxTotalTimeoutMs, signal, onProgress }: Limits) {
    signal?.throwIfAborted();
    this.#abort = new LinkedAbort(signal);
    this.#onProgress = onProgress;
    this.#silence = this.#timer(timeoutMs, "no answer and no progress", () => this.#pauses === 0);
    this.#total = this.#timer(maxTotalTimeoutMs, "not finished");
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Restarts the timeout for silence (`timeoutMs`), and passes the report on. After the first `mostReports` reports, drops every report
   * that arrives less than `laterReportsMs` after the last one that was passed on. Cuts long messages. Drops reports after the end.
   */
  readonly progress = (news: ToolProgress): void => {
    if (this.isOver) return;
    this.#silence?.refresh();
    const now = performance.now();
    if (this.#reports >= mostReports && now - this.#reportedAt < laterReportsMs) return;
    this.#reports += 1;
    this.#reportedAt = now;
    const { message = "" } = news;
    const isLong = message.length > longestReport;
    this.#onProgress?.(isLong ? { ...news, message: beginningOf(message, longestReport) } : news);
  };

  /**
   * Suspends the timeout for silence (`timeoutMs`) while the server waits for this host. Call the returned function once to end the
   * suspension. It starts the timeout anew, also if the time was over meanwhile.
   */
  pause(): () => void {
    this.#pauses += 1;
    return () => {
      this.#pauses -= 1;
      if (this.#pauses === 0 && !this.isOver) this.#silence?.refresh();
    };
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#total);
    this.#abort[Symbol.dispose]();
  }

  #timer(ms: number | undefined, what: string, applies = () => true): NodeJS.Timeout | undefined {
    if (ms === undefined) return undefined;
    const expire = () => {
      if (!applies()) return;
      this.#abort.abort(new OutcomeUnknown("timeout", `${what} within ${waitText(ms)}`, { retryable: true }));
    };
    return setTimeout(expire, Math.min(ms, longestTimerMs));
  }
}

import { onAbort } from "../../core/async/abort.js";
import { longestTimerMs } from "../../core/async/timers.js";
import { McpError } from "../../core/errors.js";
import type { ToolProgress } from "../../core/ports.js";
import { beginningOf } from "../shared/beginning.js";

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

/** Information for the code that carries out a request: whether the request was aborted, and whether it is over. */
export interface Ending {
  readonly aborted: boolean;
  /** The reason of the abort; undefined until the request is aborted. */
  readonly reason: unknown;
  /**
   * A signal that aborts when the request is aborted. The signal is created at the first access, because it costs more than everything else
   * here.
   */
  readonly signal: AbortSignal;
  /** True once the request has ended, whatever the outcome. */
  readonly isOver: boolean;
  onAbort(action: (reason: unknown) => void): () => void;
}

/**
 * The limits of a running request. They apply until `end` is called. If the signal has already aborted, the constructor throws the signal's
 * reason.
 */
export class RunningLimits implements Ending {
  reason: unknown;
  aborted = false;
  isOver = false;
  readonly #limits: Limits;
  readonly #actions = new Set<(reason: unknown) => void>();
  readonly #unfollow: (() => void) | undefined;
  readonly #startedAt = performance.now();
  #heardAt = this.#startedAt;
  #pauses = 0;
  #reports = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #controller: AbortController | undefined;

  constructor(limits: Limits) {
    const { signal } = limits;
    signal?.throwIfAborted();
    this.#limits = limits;
    this.#unfollow = signal && onAbort(signal, () => this.#abort(signal.reason));
    watch.add(this);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  onAbort(action: (reason: unknown) => void): () => void {
    this.#actions.add(action);
    return () => this.#actions.delete(action);
  }

  /**
   * Restarts the timeout for silence (`timeoutMs`), and passes the report on. After the first `mostReports` reports, drops every report
   * that arrives less than `laterReportsMs` after the last one that was passed on. Cuts long messages.
   */
  readonly progress = (news: ToolProgress): void => {
    this.#heardAt = performance.now();
    if (this.#reports >= mostReports && this.#heardAt - this.#reportedAt < laterReportsMs) return;
    this.#reports += 1;
    this.#reportedAt = this.#heardAt;
    const { message = "" } = news;
    const isLong = message.length > longestReport;
    this.#limits.onProgress?.(isLong ? { ...news, message: beginningOf(message, longestReport) } : news);
  };

  /**
   * Suspends the timeout for silence (`timeoutMs`) while the server waits for this host. Call the returned function to end the suspension.
   */
  pause(): () => void {
    this.#pauses += 1;
    return () => {
      this.#pauses -= 1;
      if (this.#pauses > 0 || this.isOver) return;
      this.#heardAt = performance.now();
      watch.lookAt(this.dueAt);
    };
  }

  end(): void {
    this.isOver = true;
    watch.delete(this);
    this.#unfollow?.();
  }

  check(now: number): void {
    const { timeoutMs = 0, maxTotalTimeoutMs = 0 } = this.#limits;
    if (now >= this.#silenceEnd) this.#expire("no answer and no progress", timeoutMs);
    else if (now >= this.#wholeEnd) this.#expire("not finished", maxTotalTimeoutMs);
  }

  /** The earliest time at which a limit can be reached, on the clock of `performance.now()`. */
  get dueAt(): number {
    return this.aborted ? Number.POSITIVE_INFINITY : Math.min(this.#silenceEnd, this.#wholeEnd);
  }

  get #silenceEnd(): number {
    return this.#pauses > 0
      ? Number.POSITIVE_INFINITY
      : this.#heardAt + (this.#limits.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  get #wholeEnd(): number {
    return this.#startedAt + (this.#limits.maxTotalTimeoutMs ?? Number.POSITIVE_INFINITY);
  }

  #expire(what: string, ms: number): void {
    this.#abort(new McpError("timeout", `${what} within ${ms / 1000} s`, { retryable: true }));
  }

  #abort(reason: unknown): void {
    if (this.aborted || this.isOver) return;
    this.aborted = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const action of this.#actions) action(reason);
  }
}

/**
 * A single timer for all running requests. Most requests end long before their limits, so the timer rarely has to be set again. The timer
 * keeps the process alive while a request runs.
 */
class Watch {
  readonly #running = new Set<RunningLimits>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  add(limits: RunningLimits): void {
    this.#running.add(limits);
    if (this.#running.size === 1) this.#timer?.ref();
    this.lookAt(limits.dueAt);
  }

  delete(limits: RunningLimits): void {
    this.#running.delete(limits);
    if (this.#running.size === 0) this.#timer?.unref();
  }

  lookAt(at: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.#look(), Math.min(at - performance.now(), longestTimerMs));
  }

  #look(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const limits of this.#running) {
      limits.check(now);
      next = Math.min(next, limits.dueAt);
    }
    this.lookAt(next);
  }
}

const watch = new Watch();

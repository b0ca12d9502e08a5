import { LlmError, type LlmErrorKind } from "../../core/errors.js";
import type { BreakerState } from "../../core/measurements.js";
import type { Observe } from "../../core/ports.js";
import { waitText } from "../../core/text/durations.js";
import { type AskedModel, failure, saidBy } from "../shared/llm-errors.js";

/** Failures that mean trouble at the provider. Failures caused by a request, a key or a limit do not count. */
const counted: ReadonlySet<LlmErrorKind> = new Set([
  "overloaded",
  "server",
  "connect",
  "connect_timeout",
  "network",
  "timeout",
  "ttft_timeout",
  "idle_timeout",
  "empty_stream",
  "stream_interrupted",
  "protocol",
]);

/** Failures of calls that ended before the provider could answer. A test of the model that ends so has shown nothing. */
const unanswered: ReadonlySet<LlmErrorKind> = new Set(["queue_timeout", "total_timeout", "aborted"]);

/** The breaker opens if more than half of at least five calls within 30 s fail. A call fails only after all its retries. */
const threshold = 0.5;
const windowMs = 30_000;
const leastCalls = 5;
const openMs = 10_000;

export interface BreakerParts {
  /** Returns the time in ms of a clock that never goes back. */
  steadyNow: () => number;
  observe: Observe;
}

/**
 * Circuit breaker for one model of a provider. After the pause, a single call tests the model on behalf of all. The model passes the test
 * when its answer begins. If nothing has come of the answer after another pause, one more call tests the model. If the test ends before the
 * provider could answer, the next call tests the model.
 */
export class Breaker {
  readonly #recent = new RecentCalls();
  #state: BreakerState = "closed";
  /** Time of `steadyNow`. */
  #retryAt = 0;
  #lastFailure: LlmError | undefined;

  readonly #name: string;
  readonly #parts: BreakerParts;
  readonly #opened: () => void;

  constructor(name: string, parts: BreakerParts, opened: () => void = () => {}) {
    this.#name = name;
    this.#parts = parts;
    this.#opened = opened;
  }

  get state(): BreakerState {
    return this.#state === "open" && this.#waitMs <= 0 ? "half_open" : this.#state;
  }

  /**
   * Runs `ask`, and throws what it throws. `ask` calls its argument when an answer begins. While the breaker is open, throws an LlmError
   * that says when the model is asked again.
   */
  async run<T>(asked: AskedModel, ask: (onBegun: () => void) => Promise<T>): Promise<T> {
    let isTest = this.#state !== "closed";
    if (isTest) this.#beginTest(asked);
    const onBegun = () => {
      if (!isTest) return;
      isTest = false;
      this.#recent.clear();
      this.#close();
    };
    try {
      const answer = await ask(onBegun);
      onBegun();
      this.#recent.add(this.#parts.steadyNow(), false);
      return answer;
    } catch (error) {
      const isOurTest = isTest && this.#state === "half_open";
      if (error instanceof LlmError && counted.has(error.kind)) {
        this.#recent.add(this.#parts.steadyNow(), true);
        if (isOurTest || this.#recent.mostFailed) this.#open(error);
      } else if (isOurTest && error instanceof LlmError && !unanswered.has(error.kind)) this.#close();
      else if (isOurTest) this.#retryAt = this.#parts.steadyNow();
      throw error;
    }
  }

  /** Lets one call in each pause test the model. Refuses the others: they do not wait for the result, because the test may take minutes. */
  #beginTest(asked: AskedModel): void {
    if (this.#waitMs > 0) throw this.#refusal(asked);
    this.#state = "half_open";
    this.#retryAt = this.#parts.steadyNow() + openMs;
  }

  #open(failure: LlmError): void {
    if (this.#state === "open") return;
    this.#state = "open";
    this.#retryAt = this.#parts.steadyNow() + openMs;
    this.#lastFailure = failure;
    this.#opened();
    const fields = { model: this.#name, kind: failure.kind, pauseMs: openMs };
    this.#parts.observe({
      level: "warn",
      scope: "llm",
      message: "keeps failing, so it is not asked for a while",
      fields,
    });
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#parts.observe({ level: "info", scope: "llm", message: "answers again", fields: { model: this.#name } });
  }

  get #waitMs(): number {
    return this.#retryAt - this.#parts.steadyNow();
  }

  #refusal(asked: AskedModel): LlmError {
    const last = this.#lastFailure;
    const waitMs = this.#waitMs;
    const again =
      this.#state === "half_open"
        ? "another request is trying it now; the next try is possible in"
        : "it is tried again in";
    const when = `${again} ${waitText(waitMs)}`;
    const why = last ? ` (${saidBy(last, asked)})` : "";
    const kind = !last || last.kind === "stream_interrupted" ? "server" : last.kind;
    return failure(kind, `not asked, because its last requests failed${why}; ${when}`, asked, {
      status: last?.status,
      retryAfterMs: waitMs,
    });
  }
}

/** Counts the calls of the last 30 s, in slices of a second, so that it stays small under any load. */
class RecentCalls {
  #slices: { since: number; calls: number; failed: number }[] = [];

  add(now: number, isFailed: boolean): void {
    this.#slices = this.#slices.filter(({ since }) => now - since < windowMs);
    const last = this.#slices.at(-1);
    const isOpen = last && now - last.since < 1_000;
    const slice = isOpen ? last : { since: now, calls: 0, failed: 0 };
    if (!isOpen) this.#slices.push(slice);
    slice.calls++;
    if (isFailed) slice.failed++;
  }

  get mostFailed(): boolean {
    const sum = (field: "calls" | "failed") => this.#slices.reduce((total, slice) => total + slice[field], 0);
    const calls = sum("calls");
    return calls >= leastCalls && sum("failed") > threshold * calls;
  }

  clear(): void {
    this.#slices = [];
  }
}

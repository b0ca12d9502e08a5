import { CircuitState, SamplingBreaker } from "cockatiel";
import { LlmError, type LlmErrorKind } from "../../core/errors.js";
import type { BreakerState } from "../../core/measurements.js";
import type { Observe } from "../../core/ports.js";
import { waitText } from "../../core/text/durations.js";
import { type AskedModel, failure, saidBy } from "../shared/llm-errors.js";

/** Failures that mean trouble at the provider. Failures caused by a request, a key or a limit do not count. */
const COUNTED: ReadonlySet<LlmErrorKind> = new Set([
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

/** The breaker opens if more than half of at least five calls within 30 s fail. A call fails only after all its retries. */
const THRESHOLD = 0.5;
const WINDOW_MS = 30_000;
const LEAST_CALLS = 5;
const OPEN_MS = 10_000;

/** Circuit breaker for one model of a provider. After the pause, a single call tests the model on behalf of all. */
export class Breaker {
  readonly #sample = new SamplingBreaker({
    threshold: THRESHOLD,
    duration: WINDOW_MS,
    minimumRps: LEAST_CALLS / (WINDOW_MS / 1000),
  });
  #state = CircuitState.Closed;
  #retryAt = 0;
  #lastFailure: LlmError | undefined;

  readonly #name: string;
  readonly #now: () => number;
  readonly #observe: Observe;
  readonly #opened: () => void;

  constructor(name: string, now: () => number, observe: Observe, opened: () => void = () => {}) {
    this.#name = name;
    this.#now = now;
    this.#observe = observe;
    this.#opened = opened;
  }

  get state(): BreakerState {
    if (this.#state === CircuitState.Closed) return "closed";
    return this.#state === CircuitState.HalfOpen || this.#now() >= this.#retryAt ? "half_open" : "open";
  }

  /** Runs `ask`, and throws what it throws. While the breaker is open, throws an LlmError that says when the model is asked again. */
  async run<T>(asked: AskedModel, ask: () => Promise<T>): Promise<T> {
    const state = this.#state === CircuitState.Closed ? this.#state : this.#try(asked);
    try {
      const answer = await ask();
      this.#sample.success(state);
      if (state === CircuitState.HalfOpen) this.#close();
      return answer;
    } catch (error) {
      if (error instanceof LlmError && COUNTED.has(error.kind)) {
        if (this.#sample.failure(state)) this.#open(error);
      } else if (state === CircuitState.HalfOpen) this.#close();
      throw error;
    }
  }

  /**
   * Lets one call test the model, and refuses all other calls. The refused calls do not wait for the result, because the test may be a long
   * stream.
   */
  #try(asked: AskedModel): CircuitState {
    if (this.state === "open" || this.#state === CircuitState.HalfOpen) throw this.#refusal(asked);
    this.#state = CircuitState.HalfOpen;
    return this.#state;
  }

  #open(failure: LlmError): void {
    if (this.#state === CircuitState.Open) return;
    this.#state = CircuitState.Open;
    this.#retryAt = this.#now() + OPEN_MS;
    this.#lastFailure = failure;
    this.#opened();
    const fields = { model: this.#name, kind: failure.kind, pauseMs: OPEN_MS };
    this.#observe({ level: "warn", scope: "llm", message: "keeps failing and is not asked for a while", fields });
  }

  #close(): void {
    if (this.#state !== CircuitState.HalfOpen) return;
    this.#state = CircuitState.Closed;
    this.#observe({ level: "info", scope: "llm", message: "answers again", fields: { model: this.#name } });
  }

  #refusal(asked: AskedModel): LlmError {
    const last = this.#lastFailure;
    const waitMs = this.#retryAt - this.#now();
    const when =
      waitMs > 0
        ? `it is tried again in ${waitText(waitMs)}, at ${new Date(this.#retryAt).toISOString()}`
        : "a request that tries it again is under way";
    const why = last ? ` (${saidBy(last, asked)})` : "";
    const kind = !last || last.kind === "stream_interrupted" ? "server" : last.kind;
    return failure(kind, `not asked, since its last requests failed${why}; ${when}`, asked, {
      status: last?.status,
      ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
    });
  }
}

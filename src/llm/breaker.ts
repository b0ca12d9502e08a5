import { CircuitState, circuitBreaker, handleWhen, isBrokenCircuitError, SamplingBreaker } from "cockatiel";
import { LlmError, type LlmErrorKind } from "../core/errors.js";
import type { BreakerState } from "../core/measurements.js";
import type { Observe } from "../core/ports.js";
import { type Asked, duration, failure, saidBy } from "./errors.js";

/** What says that a provider is in trouble. What a request, a key or a limit is to blame for says nothing of the sort. */
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

/** More than half of at least five calls within half a minute, each after its retries. */
const THRESHOLD = 0.5;
const WINDOW_MS = 30_000;
const LEAST_CALLS = 5;
const OPEN_MS = 10_000;

/** Stops asking one model of a provider that keeps failing; after a while one call tries it for all. */
export class Breaker {
  readonly #policy = circuitBreaker(
    handleWhen((error) => error instanceof LlmError && COUNTED.has(error.kind)),
    {
      halfOpenAfter: OPEN_MS,
      breaker: new SamplingBreaker({
        threshold: THRESHOLD,
        duration: WINDOW_MS,
        minimumRps: LEAST_CALLS / (WINDOW_MS / 1000),
      }),
    },
  );
  #retryAt = 0;
  #lastFailure: LlmError | undefined;

  constructor(
    readonly name: string,
    readonly now: () => number,
    observe: Observe,
    opened: () => void = () => {},
  ) {
    this.#policy.onBreak((reason) => {
      this.#retryAt = now() + OPEN_MS;
      if ("error" in reason && reason.error instanceof LlmError) this.#lastFailure = reason.error;
      opened();
      const fields = { model: name, kind: this.#lastFailure?.kind, pauseMs: OPEN_MS };
      observe({ level: "warn", scope: "llm", message: "keeps failing and is not asked for a while", fields });
    });
    this.#policy.onReset(() =>
      observe({ level: "info", scope: "llm", message: "answers again", fields: { model: name } }),
    );
  }

  get state(): BreakerState {
    const { state } = this.#policy;
    if (state === CircuitState.Closed) return "closed";
    return state === CircuitState.HalfOpen || this.now() >= this.#retryAt ? "half_open" : "open";
  }

  /** Throws what `ask` throws, or, while the model is not asked, an LlmError that says when it will be. */
  async run<T>(asked: Asked, ask: () => Promise<T>): Promise<T> {
    // cockatiel would let everybody wait for the one call that tries, which may be a long stream.
    if (this.#policy.state === CircuitState.HalfOpen) throw this.#refusal(asked);
    try {
      return await this.#policy.execute(ask);
    } catch (error) {
      throw isBrokenCircuitError(error) ? this.#refusal(asked) : error;
    }
  }

  #refusal(asked: Asked): LlmError {
    const last = this.#lastFailure;
    const waitMs = this.#retryAt - this.now();
    const when =
      waitMs > 0
        ? `it is tried again in ${duration(waitMs)}, at ${new Date(this.#retryAt).toISOString()}`
        : "a request that tries it again is under way";
    const why = last ? ` (${saidBy(last, asked)})` : "";
    const kind = !last || last.kind === "stream_interrupted" ? "server" : last.kind;
    return failure(kind, `not asked, since its last requests failed${why}; ${when}`, asked, {
      status: last?.status,
      ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
    });
  }
}

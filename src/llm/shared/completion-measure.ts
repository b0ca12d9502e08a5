import { LlmError } from "../../core/errors.js";
import type { CompletionFacts, Meter } from "../../core/measurements.js";
import type { Completion, CompletionRequest } from "../../core/messages.js";
import type { TraceContext } from "../../core/trace-context.js";
import type { ResolvedModel } from "../providers/providers.js";

interface CompletionMeasureParts {
  meter: Meter;
  trace: TraceContext;
  streaming: boolean;
  /** Returns the time in ms of a clock that never goes back. */
  steadyNow: () => number;
}

interface Failed extends Pick<ResolvedModel, "provider" | "model"> {
  readonly delayMs: number;
}

export class CompletionMeasure {
  readonly #parts: CompletionMeasureParts;
  readonly #startedAt: number;
  #asked: Pick<ResolvedModel, "provider" | "model"> | undefined;
  #firstAt: number | undefined;
  #lastAt: number | undefined;
  #longestGapMs: number | undefined;

  constructor(parts: CompletionMeasureParts) {
    this.#parts = parts;
    this.#startedAt = parts.steadyNow();
  }

  get trace(): TraceContext {
    return this.#parts.trace;
  }

  asks({ provider, model }: ResolvedModel, request: CompletionRequest): void {
    const { meter, trace, streaming } = this.#parts;
    const facts = { trace, provider: provider.name, model };
    const { baseUrl } = provider;
    if (this.#asked) meter.record({ type: "fallback_asked", ...facts });
    else meter.record({ type: "completion_started", ...facts, baseUrl, streaming, content: request });
    this.#asked = { provider, model };
  }

  answerBegins(): void {
    this.#lastAt = undefined;
  }

  /** Records progress. Called once for every read. An answer that arrives in a single read has 0 as its longest gap. */
  progressed(): void {
    const at = this.#parts.steadyNow();
    this.#firstAt ??= at;
    this.#longestGapMs = Math.max(this.#longestGapMs ?? 0, at - (this.#lastAt ?? at));
    this.#lastAt = at;
  }

  attemptFailed({ provider, model, delayMs }: Failed, { kind, status }: LlmError, isRetried: boolean): void {
    const { meter, trace } = this.#parts;
    const facts = { trace, provider: provider.name, model, kind, status };
    meter.record({ type: "attempt_failed", ...facts, isRetried, delayMs: isRetried ? delayMs : 0 });
  }

  answered(completion: Completion, usd: number | undefined): void {
    const { provider, model, attempts, finishReason, usage } = completion;
    this.#end({ provider, model, attempts, finishReason, usage, usd, content: completion });
  }

  failed(error: unknown, attempts: number): void {
    if (!this.#asked) return; // no provider was asked, so there is nothing to record
    const { provider, model } = this.#asked;
    const kind = error instanceof LlmError ? error.kind : "protocol";
    this.#end({ provider: provider.name, model, attempts, error: kind });
  }

  #end(facts: Omit<CompletionFacts, "durationMs" | "firstChunkMs" | "longestGapMs">): void {
    const { meter, trace, streaming, steadyNow } = this.#parts;
    const stream = streaming && {
      firstChunkMs: this.#firstAt === undefined ? undefined : this.#firstAt - this.#startedAt,
      longestGapMs: this.#longestGapMs,
    };
    meter.record({
      type: "completion_ended",
      trace,
      streaming,
      durationMs: steadyNow() - this.#startedAt,
      ...stream,
      ...facts,
    });
  }
}

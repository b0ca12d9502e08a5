import type { Completion, CompletionRequest } from "../core/chat.js";
import { LlmError } from "../core/errors.js";
import type { CompletionFacts, Meter } from "../core/measurements.js";
import type { TraceContext } from "../core/trace-context.js";
import type { ResolvedModel } from "./providers/providers.js";

interface CompletionMeasureParts {
  meter: Meter;
  /** Of the completion. */
  trace: TraceContext;
  streaming: boolean;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** A call whose attempt failed. */
interface Failed extends Pick<ResolvedModel, "provider" | "model"> {
  /** Until the next attempt. */
  readonly delayMs: number;
}

/** What is measured of one completion, over all attempts and providers. Made where somebody listens. */
export class CompletionMeasure {
  readonly #parts: CompletionMeasureParts;
  readonly #startedAt: number;
  #asked: Pick<ResolvedModel, "provider" | "model"> | undefined;
  #firstAt: number | undefined;
  /** Of the attempt under way. */
  #lastAt: number | undefined;
  #longestGapMs: number | undefined;

  constructor(parts: CompletionMeasureParts) {
    this.#parts = parts;
    this.#startedAt = parts.now();
  }

  /** The completion's span. */
  get trace(): TraceContext {
    return this.#parts.trace;
  }

  /** A provider is about to be asked: the first one, or a fallback. */
  asks({ provider, model }: ResolvedModel, request: CompletionRequest): void {
    const { meter, trace, streaming } = this.#parts;
    const facts = { trace, provider: provider.name, model };
    const { baseUrl } = provider;
    if (this.#asked) meter.record({ type: "fallback_asked", ...facts });
    else meter.record({ type: "completion_started", ...facts, baseUrl, streaming, content: request });
    this.#asked = { provider, model };
  }

  /** Another answer begins. */
  answerBegins(): void {
    this.#lastAt = undefined;
  }

  /** The model has said something. Called for every read of every answer: one that comes in one read has no gap, which is one of 0. */
  progressed(): void {
    const at = this.#parts.now();
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
    if (!this.#asked) return; // nobody could be asked
    const { provider, model } = this.#asked;
    const kind = error instanceof LlmError ? error.kind : "protocol";
    this.#end({ provider: provider.name, model, attempts, error: kind });
  }

  #end(facts: Omit<CompletionFacts, "durationMs" | "firstChunkMs" | "longestGapMs">): void {
    const { meter, trace, streaming, now } = this.#parts;
    const stream = streaming && {
      firstChunkMs: this.#firstAt === undefined ? undefined : this.#firstAt - this.#startedAt,
      longestGapMs: this.#longestGapMs,
    };
    meter.record({
      type: "completion_ended",
      trace,
      streaming,
      durationMs: now() - this.#startedAt,
      ...stream,
      ...facts,
    });
  }
}

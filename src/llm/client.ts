import { isDeepStrictEqual } from "node:util";
import type { Completion, CompletionRequest } from "../core/chat.js";
import type { LlmConfig, StreamRecovery } from "../core/config.js";
import { type NewId, newId } from "../core/ids.js";
import type { HostState, Meter } from "../core/measurements.js";
import type { Observe } from "../core/ports.js";
import type { SharedLimits } from "../core/shared-limits.js";
import type { Tape } from "../core/tape.js";
import { spanWithin, type TraceContext } from "../core/trace-context.js";
import type { OnDelta } from "./attempts.js";
import { Call, TotalTimeout } from "./call.js";
import { CompletionMeasure } from "./completion-measure.js";
import { Dialects } from "./dialect.js";
import { firstAnswer } from "./fallback.js";
import { costUsd, type Price, priceOf } from "./prices.js";
import { type Environment, modelOfEntry, type ResolvedModel, resolveModel } from "./providers.js";
import { textsIn } from "./quotes.js";
import { SharedAdmission } from "./shared-admission.js";
import { Showing } from "./showing.js";

export interface LlmClientParts {
  env: Environment;
  observe: Observe;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Uniform in [0, 1). */
  random?: () => number;
  newId?: NewId;
  /** Stands before the wire. */
  tape?: Tape;
  /** Those of all nodes. Default: this one is alone. */
  limits?: SharedLimits | undefined;
  meter?: Meter | undefined;
  /** A request has left. Must not throw. */
  onSent?: (() => void) | undefined;
}

type Optional = "tape" | "limits" | "meter" | "onSent";

export interface CompleteOptions {
  streaming: boolean;
  signal?: AbortSignal;
  /** Called as deltas arrive, when streaming. Must not throw. */
  onDelta?: OnDelta;
  /** After the first delta, what `llm.stream_recovery: auto` stands for. Default: `fail`, nothing is sent again. */
  streamRecovery?: StreamRecovery;
  /** Sent as `X-Client-Request-Id`. */
  requestId?: string;
  /** The span that the completion is part of. Default: it begins a trace. */
  trace?: TraceContext | undefined;
}

/** `llm.http.total_timeout` unless the file sets it. A stream gets more, since `idle_timeout` watches its progress. */
const DEFAULT_TOTAL_MS = 300_000;
const DEFAULT_STREAM_TOTAL_MS = 900_000;

/** Chat Completions of any provider. The HTTP stack is loaded with the first request: an idle host does without. */
export class LlmClient {
  readonly #config: LlmConfig;
  readonly #parts: Required<Omit<LlmClientParts, Optional>> & Pick<LlmClientParts, Optional>;
  readonly #resolved = new Map<string, ResolvedModel>();
  readonly #dialects: Dialects;
  readonly #admission: SharedAdmission;
  #isClosed = false;

  /** `admission`: of a client with the same `llm.http`. */
  /** @internal */
  constructor(config: LlmConfig, parts: LlmClientParts, admission?: SharedAdmission) {
    this.#config = config;
    this.#parts = { now: Date.now, random: Math.random, newId, ...parts };
    this.#admission = (admission ?? new SharedAdmission(config.http, this.#parts)).join();
    this.#dialects = new Dialects(parts.observe);
  }

  /**
   * Another client, by another configuration, while this one may still be used. As long as `llm.http` is the same, what both ask of a
   * provider is counted together, and goes over the same connections.
   */
  successor(config: LlmConfig): LlmClient {
    const isSame = isDeepStrictEqual(config.http, this.#config.http);
    return new LlmClient(config, this.#parts, isSame ? this.#admission : undefined);
  }

  /** Throws LlmError: unknown provider, no model, no key. */
  resolve(model?: string): ResolvedModel {
    const known = this.#resolved.get(model ?? "");
    if (known) return known;
    const { env, tape } = this.#parts;
    const resolved = resolveModel(this.#config, env, model, tape?.plays.models);
    this.#resolved.set(model ?? "", resolved);
    return resolved;
  }

  /** Undefined: not known, which is not 0. */
  priceOf(provider: string, model: string): Price | undefined {
    return priceOf(this.#config, provider, model);
  }

  /** Every model that may answer a request naming `model`, as `provider/model`, the first choice first. */
  priced(model?: string): { name: string; price?: Price }[] {
    return [model, ...this.#config.fallback.map((entry) => modelOfEntry(this.#config, entry))].flatMap((wanted) => {
      try {
        const { provider, model: resolved } = this.resolve(wanted);
        return [{ name: `${provider.name}/${resolved}`, price: this.priceOf(provider.name, resolved) }];
      } catch {
        return []; // it cannot be asked, so it costs nothing
      }
    });
  }

  /** One completion, streamed or not: the same answer gives the same completion. Throws LlmError. */
  async complete(request: CompletionRequest, options: CompleteOptions): Promise<Completion> {
    const { observe, meter, now } = this.#parts;
    const totalTimeoutMs = this.#totalTimeoutMs(options.streaming);
    using limited = limitTime(totalTimeoutMs, options.signal);
    const showing = new Showing(options.streaming ? options.onDelta : undefined, this.#restarts(options));
    const { streaming, requestId: completionId = this.#parts.newId("req"), trace: within } = options;
    const trace = meter && spanWithin(within, completionId, meter.samples);
    const measure = meter && trace && new CompletionMeasure({ meter, trace, streaming, now });
    const shared = {
      http: this.#config.http,
      streaming,
      hasTools: request.tools.length > 0,
      texts: () => textsIn(request),
      tally: { sent: 0, retries: 0 },
      completionId,
      within,
      measure,
      signal: limited.signal,
      totalTimeoutMs,
      deadlineAt: now() + totalTimeoutMs,
    };
    const completion = await firstAnswer({
      targets: [
        () => this.resolve(request.model),
        ...this.#config.fallback.map((entry) => () => this.resolve(modelOfEntry(this.#config, entry))),
      ],
      isOpen: () => showing.isOpen,
      observe,
      ask: async (target) => {
        const requestId = shared.tally.sent === 0 ? completionId : this.#parts.newId("req");
        measure?.asks(target, request);
        const draft = this.#dialects.draft(request, target, options.streaming);
        const call = new Call(target, { ...shared, requestId }, draft);
        const admission = await this.#admission.load();
        const answer = await admission.answer(call, {
          onDelta: showing.next(),
          restart: this.#restarts(options),
          finish: (fold) => fold.finish(() => this.#parts.newId("call"), idsIn(request)),
        });
        return { ...answer, provider: target.provider.name, model: target.model, attempts: call.attempts };
      },
    }).catch((error: unknown) => {
      measure?.failed(error, shared.tally.sent);
      throw error;
    });
    showing.settle();
    const { provider, model, finishReason, attempts, usage } = completion;
    const price = meter && usage && this.priceOf(provider, model);
    measure?.answered(completion, price && costUsd(usage, price));
    const fields = { provider, model, finishReason, attempts, ...usage };
    observe({ level: "debug", scope: "llm", message: "completion", fields });
    return completion;
  }

  /** Of the providers and models that were asked. */
  state(): Promise<Pick<HostState, "limiters" | "breakers">> {
    return this.#admission.state();
  }

  /** Closes the connections that no other client uses; requests in flight on them fail. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#admission.leave();
  }

  #restarts({ streamRecovery = "fail" }: CompleteOptions): boolean {
    const configured = this.#config.streamRecovery;
    return (configured === "auto" ? streamRecovery : configured) === "restart";
  }

  #totalTimeoutMs(streaming: boolean): number {
    const { totalTimeoutMs } = this.#config.http;
    return streaming && totalTimeoutMs === DEFAULT_TOTAL_MS ? DEFAULT_STREAM_TOTAL_MS : totalTimeoutMs;
  }
}

/** A signal that follows the caller's and aborts on its own when time is up. Disposing of it stops the clock. */
function limitTime(totalMs: number, outer: AbortSignal | undefined): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new TotalTimeout()), totalMs);
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  else outer?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", follow);
    },
  };
}

/** Servers that count their calls anew in every answer give the same id twice in a conversation. */
function idsIn({ messages }: CompletionRequest): (id: string) => boolean {
  return (id) =>
    messages.some((message) => message.role === "assistant" && message.toolCalls.some((call) => call.id === id));
}

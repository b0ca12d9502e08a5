import { isDeepStrictEqual } from "node:util";
import { LinkedAbort } from "../core/async/abort.js";
import type { LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { LlmError } from "../core/errors.js";
import { type NewId, newId } from "../core/ids.js";
import type { HostState, Meter } from "../core/measurements.js";
import type { ChoosableModels, Completion, CompletionRequest, MediaKind } from "../core/messages.js";
import type { Observe } from "../core/ports.js";
import { spanWithin } from "../core/trace-context.js";
import type { ModelTransport } from "../core/transports.js";
import { type CompleteOptions, ProviderCall, type ProviderCallOptions } from "./call/call.js";
import { Dialects } from "./call/dialect.js";
import { RequestDraft } from "./call/request-draft.js";
import { continued, maxResumptions } from "./paused.js";
import type { ModelLists } from "./providers/model-lists.js";
import { Models } from "./providers/models.js";
import { costUsd, type Price } from "./providers/prices.js";
import type { ResolvedModel } from "./providers/providers.js";
import { Admission } from "./request/admission.js";
import { firstAnswer } from "./request/fallback.js";
import { CompletionMeasure } from "./shared/completion-measure.js";
import { type OnDelta, Showing } from "./shared/showing.js";
import { wireOf } from "./wires/all-wires.js";

export interface LlmClientParts {
  env: Environment;
  observe: Observe;
  /** Returns the wall clock in ms since the epoch, for times that providers state, such as Retry-After. */
  now?: () => number;
  /** Returns the time in ms of a clock that never goes back, to measure waits and limits. */
  steadyNow?: () => number;
  /** Returns a random number, uniform in [0, 1). */
  random?: () => number;
  newId?: NewId;
  /** Carries the attempts in place of HTTP. */
  transport?: ModelTransport | undefined;
  meter?: Meter | undefined;
  /** Called when the headers of an answer have arrived. Must not throw. */
  onAnswered?: (() => void) | undefined;
}

type Optional = "transport" | "meter" | "onAnswered";

/**
 * The default of `llm.http.total_timeout`. A stream then gets more, since `idle_timeout` watches its progress. A configured value that equals
 * the default is treated alike, because the configuration does not tell them apart.
 */
const defaultTotalMs = 300_000;
const defaultStreamTotalMs = 900_000;

/** In whole ms, as logs show waits. */
const steadyNow = () => Math.floor(performance.now());

/** Client for completions by any provider, with one configuration. `successor` makes the client for another configuration. */
export class LlmClient {
  readonly #config: LlmConfig;
  readonly #parts: Required<Omit<LlmClientParts, Optional>> & Pick<LlmClientParts, Optional>;
  readonly #models: Models;
  readonly #dialects: Dialects;
  /** Admissions of this client and of the clients before it. */
  readonly #admissions: ReadonlySet<Admission>;
  readonly #admission: Admission;
  #lists: Promise<ModelLists> | undefined;

  /**
   * `before`: the client that this one succeeds.
   * @internal
   */
  constructor(config: LlmConfig, parts: LlmClientParts, before?: LlmClient) {
    this.#config = config;
    this.#parts = { now: Date.now, steadyNow, random: Math.random, newId, ...parts };
    this.#models = new Models(config, parts.env);
    this.#dialects = before ? before.#dialects : new Dialects(parts.observe);
    const isSame = before && isDeepStrictEqual(config.http, before.#config.http);
    this.#admission = isSame ? before.#admission : new Admission(config.http, this.#parts);
    if (before && !isSame) before.#admission.retire();
    this.#admissions = new Set(before ? before.#admissions : []).add(this.#admission);
  }

  /**
   * Returns a client for another configuration, or this client if nothing changed. This client stays usable, for turns that keep the
   * configuration with which they began, until the successor is closed. Both know what each model has refused. If `llm.http` is the same,
   * both share limits and connections.
   */
  successor(config: LlmConfig): LlmClient {
    return isDeepStrictEqual(config, this.#config) ? this : new LlmClient(config, this.#parts, this);
  }

  /** Returns the provider and the model for a name, or for the configured default. Throws as `Models.resolve` does. */
  resolve(model?: string): ResolvedModel {
    return this.#models.resolve(model);
  }

  /** Returns the wire that is used for a model now, and the reason for this choice. Throws as `resolve` does. */
  wireOf(model?: string): { name: string; by: string } {
    const { wire, wireBy: by } = this.#dialects.of(this.resolve(model));
    return { name: wire.name, by };
  }

  /** Returns the kinds of content that a model takes besides text, as far as it is known. Throws as `resolve` does. */
  takes(model?: string): MediaKind[] {
    return this.#dialects.of(this.resolve(model)).takes;
  }

  priceOf(provider: string, model: string): Price | undefined {
    return this.#models.priceOf(provider, model);
  }

  /** Returns all models that may answer, in the order in which they are asked, each with its price if that is known. */
  priced(model?: string): { name: string; price?: Price }[] {
    return this.#models.priced(model);
  }

  /** Resolves with the models that a person can choose. Asks each provider once. */
  async choosableModels(): Promise<ChoosableModels> {
    return (await this.#modelLists()).all();
  }

  /** Resolves with the names of the models that a provider lists. Rejects if it does not list them. */
  async listedModels(provider: string): Promise<string[]> {
    const found = this.resolve(`${provider}/any`).provider;
    return (await (await this.#modelLists()).of(found)).map(({ model }) => model);
  }

  #modelLists(): Promise<ModelLists> {
    const { env, transport } = this.#parts;
    this.#lists ??= import("./providers/model-lists.js").then(
      ({ ModelLists }) =>
        new ModelLists({
          ...{ config: this.#config, env, models: this.#models },
          ask: transport
            ? undefined
            : (provider, signal) => this.#admission.listModels(provider, wireOf(provider.wire), signal),
          takes: (model) => this.takes(model),
        }),
    );
    return this.#lists;
  }

  usableModels(): string[] {
    return this.#models.usable();
  }

  /**
   * Asks for a completion. If `options.streaming`, calls `onDelta` for each delta of the answer; the completion is the same without. Throws
   * LlmError.
   */
  async complete(request: CompletionRequest, options: CompleteOptions, onDelta?: OnDelta): Promise<Completion> {
    const wait = this.#admission.start();
    if (wait) await wait;
    const { observe, meter, steadyNow, newId } = this.#parts;
    const { streaming } = options;
    const completionId = newId("req");
    const totalTimeoutMs = this.#totalTimeoutMs(streaming);
    using abort = new LinkedAbort(options.signal, totalTimeoutMs);
    const { signal } = abort;
    const restart = this.#restarts(options);
    const showing = new Showing(streaming ? onDelta : undefined, restart);
    const trace = meter && spanWithin(options.trace, completionId, meter.samples);
    const measure = meter && trace && new CompletionMeasure({ meter, trace, streaming, steadyNow });
    const shared: ProviderCallOptions = {
      http: this.#config.http,
      newId,
      request,
      asked: options,
      showing,
      restart,
      tally: { sent: 0, retries: 0, lost: [] },
      completionId,
      measure,
      signal,
      totalTimeoutMs,
      deadlineAt: steadyNow() + totalTimeoutMs,
    };
    try {
      const completion = await firstAnswer({
        length: this.#models.inTurn,
        target: (position) => this.#models.at(position, request.model),
        isOpen: () => showing.isOpen,
        observe,
        ask: (target) => {
          this.#dialects.of(target).requireUncut(request.uncutTokens ?? 0);
          return this.#askToEnd(target, shared);
        },
      });
      showing.settle();
      const { lost } = shared.tally;
      if (lost.length > 0) completion.lost = lost;
      const { provider, model, finishReason, attempts, usage } = completion;
      const price = meter && usage && this.priceOf(provider, model);
      measure?.answered(completion, price && costUsd(usage, price));
      const fields = { provider, model, finishReason, attempts, ...usage };
      observe({ level: "debug", scope: "llm", message: "completion", fields });
      return completion;
    } catch (error) {
      const { sent, lost } = shared.tally;
      if (error instanceof LlmError && lost.length > 0) error.lost = lost;
      measure?.failed(error, sent);
      throw error;
    }
  }

  /**
   * Asks a model for an answer. If the provider pauses the answer, sends the paused answer back so that the provider continues it. Adds
   * nothing to the paused answer, because any text of the host would end the pause.
   */
  async #askToEnd(target: ResolvedModel, shared: ProviderCallOptions): Promise<Completion> {
    shared.measure?.asks(target, shared.request);
    shared.showing.next();
    let { completion, isPaused } = await this.#ask(target, shared);
    for (let resumed = 0; isPaused && resumed < maxResumptions; resumed++) {
      const request = { ...shared.request, messages: [...shared.request.messages, completion.message] };
      // `restart` is off: the `discard` of a restart would also void the text from before the pause, and nothing would show that text
      // again.
      const more = await this.#ask(target, { ...shared, request, restart: false }).catch((error: unknown) => {
        const { provider, model, usage } = completion;
        if (usage) shared.tally.lost.push({ provider, model, usage });
        throw error;
      });
      completion = continued(completion, more.completion);
      isPaused = more.isPaused;
    }
    return completion;
  }

  async #ask(
    target: ResolvedModel,
    shared: ProviderCallOptions,
  ): Promise<{ completion: Completion; isPaused: boolean }> {
    const { request, asked, tally, completionId, newId } = shared;
    const draft = new RequestDraft(request, this.#dialects.of(target), asked.streaming);
    const call = new ProviderCall(target, shared, draft, tally.sent === 0 ? completionId : newId("req"));
    const completion = await this.#admission.answer(call);
    return { completion, isPaused: call.isPaused };
  }

  state(): Pick<HostState, "limiters" | "breakers"> {
    return this.#admission.state();
  }

  /** Closes the connections of this client and of the clients before it; requests in flight fail. */
  close(): void {
    for (const admission of this.#admissions) admission.close();
  }

  #restarts({ streamRecovery = "fail" }: CompleteOptions): boolean {
    const configured = this.#config.streamRecovery;
    return (configured === "auto" ? streamRecovery : configured) === "restart";
  }

  #totalTimeoutMs(streaming: boolean): number {
    const { totalTimeoutMs } = this.#config.http;
    return streaming && totalTimeoutMs === defaultTotalMs ? defaultStreamTotalMs : totalTimeoutMs;
  }
}

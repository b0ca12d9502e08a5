import type { HttpConfig } from "../../core/config.js";
import { loadOnce } from "../../core/files/load-once.js";
import type { HostState } from "../../core/measurements.js";
import type { Completion } from "../../core/messages.js";
import type { ProviderCall } from "../call/call.js";
import { Lane, type LaneParts } from "../limits/lane.js";
import type { Provider } from "../providers/providers.js";
import type { Attempts } from "./attempts.js";
import type { LlmHttpParts } from "./axios-instance.js";
import type { RetryPolicyParts } from "./retry.js";

export type AdmissionParts = RetryPolicyParts & LlmHttpParts & LaneParts;

/**
 * Number of completions that may start in one tick of the event loop. Starting hundreds of them at once would block everything else. V8
 * would also treat everything that they allocate as long-lived: with 500 streams, V8 put every chunk into its old generation, and the
 * process stops while that generation is collected.
 */
const startsPerTick = 32;

/**
 * Lets calls through to their providers. A call passes its model's breaker, takes a slot in its provider's lane, and makes as many attempts
 * as it needs. All clients with the same `llm.http` share one admission.
 */
export class Admission {
  readonly #http: HttpConfig;
  readonly #parts: AdmissionParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #laneOf = new WeakMap<Provider, Lane>();
  readonly #waiting: (() => void)[] = [];
  readonly #load: () => Promise<Attempts>;
  #started = 0;
  #attempts: Attempts | undefined;
  #isClosed = false;

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#http = http;
    this.#parts = parts;
    // The HTTP stack is loaded with the first request, so that an idle host does not need it.
    this.#load = loadOnce(async () => {
      const { Attempts } = await import("./attempts.js");
      this.#attempts = new Attempts(http, parts);
      if (this.#isClosed) this.#attempts.close();
      return this.#attempts;
    });
  }

  /** Returns undefined if a completion may start at once. Otherwise returns a promise that resolves, in order, when it may start. */
  start(): Promise<void> | undefined {
    if (this.#started === 0) setImmediate(() => this.#startMore());
    if (this.#started < startsPerTick) {
      this.#started++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends the call and resolves with the completion. Throws LlmError. */
  async answer(call: ProviderCall): Promise<Completion> {
    const attempts = this.#attempts ?? (await this.#load());
    const lane = this.#laneTo(call.provider);
    call.lane = lane;
    lane.enterPause(call);
    return lane.breakerOf(call.model).run(call, (onBegun) => {
      call.onBegun = onBegun;
      return this.#answerFrom(attempts, lane, call);
    });
  }

  /** Asks a provider for its list of models. It takes no slot. Throws LlmError. */
  async listModels(...of: Parameters<Attempts["listModels"]>): Promise<string> {
    return (await this.#load()).listModels(...of);
  }

  async #answerFrom(attempts: Attempts, lane: Lane, call: ProviderCall): Promise<Completion> {
    lane.budget.enter();
    try {
      call.slot = lane.takeSlot(call) ?? (await lane.waitForSlot(call));
      const completion = call.complete(await attempts.answer(call));
      const { usage } = completion;
      if (usage) call.slot.correct(usage.inputTokens + usage.outputTokens);
      lane.answered();
      return completion;
    } finally {
      call.slot?.[Symbol.dispose]();
      lane.budget.leave();
    }
  }

  state(): Pick<HostState, "limiters" | "breakers"> {
    const lanes = [...this.#lanes.values()];
    return {
      limiters: lanes.map(({ provider, limiter: { active, queued: waiting, limit } }) => {
        return { provider, active, waiting, limit };
      }),
      breakers: lanes.flatMap(({ provider, breakers }) =>
        [...breakers].map(([model, { state }]) => ({ provider, model, state })),
      ),
    };
  }

  /** Keeps no connection open any more, because only turns of an earlier configuration still make requests. */
  retire(): void {
    this.#attempts?.retire();
  }

  /** Closes the connections; requests in flight fail. */
  close(): void {
    this.#isClosed = true;
    this.#attempts?.close();
  }

  #startMore(): void {
    const next = this.#waiting.splice(0, startsPerTick);
    this.#started = next.length;
    if (next.length > 0) setImmediate(() => this.#startMore());
    for (const resolve of next) resolve();
  }

  /**
   * Returns the provider's lane. After a change of the configuration, creates a new lane only if the provider's endpoint, keys or limits
   * have changed.
   */
  #laneTo(provider: Provider): Lane {
    const known = this.#laneOf.get(provider);
    if (known) return known;
    const { baseUrl, apiKeys, maxConcurrency, rpm, tpm } = provider;
    const name = JSON.stringify([provider.name, baseUrl, apiKeys, maxConcurrency, rpm, tpm]);
    const lane = this.#lanes.get(name) ?? new Lane(provider, this.#http, this.#parts);
    this.#lanes.set(name, lane);
    this.#laneOf.set(provider, lane);
    return lane;
  }
}

import { remember } from "../../core/async/remember.js";
import type { HttpConfig } from "../../core/config.js";
import type { HostState } from "../../core/measurements.js";
import type { Completion } from "../../core/messages.js";
import type { ProviderCall } from "../call/call.js";
import { Breaker } from "../limits/breaker.js";
import { Lane, type LaneParts } from "../limits/lane.js";
import type { Slot } from "../limits/limiter.js";
import type { Provider } from "../providers/providers.js";
import type { AnswerFold } from "../wires/wire.js";
import { type AttemptParts, Attempts } from "./attempts.js";
import type { LlmHttpParts } from "./axios-instance.js";
import type { RetryPolicyParts } from "./retry.js";

export type AdmissionParts = RetryPolicyParts & LlmHttpParts & LaneParts;

export interface AnswerParts extends Pick<AttemptParts, "showing" | "restart"> {
  finish: (fold: AnswerFold) => Completion;
}

interface Entrance {
  lane: Lane;
  breakers: Map<string, Breaker>;
}

/**
 * Passes a call on to its provider: first through the model's breaker, then into a slot of the provider's lane, then through as many
 * attempts as it needs.
 */
export class Admission {
  readonly #http: HttpConfig;
  readonly #parts: AdmissionParts;
  readonly #attempts: Attempts;
  readonly #entrances = new Map<string, Entrance>();
  readonly #known = new WeakMap<Provider, Entrance>();

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#http = http;
    this.#parts = parts;
    this.#attempts = new Attempts(http, parts);
  }

  /** Sends the call and resolves with the completion. Throws LlmError. */
  answer(call: ProviderCall, parts: AnswerParts): Promise<Completion> {
    const entrance = this.#entranceTo(call.provider);
    return this.#breakerOf(call, entrance).run(call, (onBegun) =>
      this.#answerFrom(entrance.lane, call, { ...parts, onBegun }),
    );
  }

  async #answerFrom(
    lane: Lane,
    call: ProviderCall,
    { finish, ...parts }: AnswerParts & AttemptParts,
  ): Promise<Completion> {
    let slot: Slot | undefined;
    lane.budget.enter();
    try {
      slot = lane.enterAtOnce(call) ?? (await lane.enter(call));
      call.place = { lane, slot };
      const completion = finish(await this.#attempts.answer(call, parts));
      const { usage } = completion;
      if (usage) slot.correct(usage.inputTokens + usage.outputTokens);
      lane.answered();
      return completion;
    } finally {
      slot?.[Symbol.dispose]();
      lane.budget.leave();
    }
  }

  state(): Pick<HostState, "limiters" | "breakers"> {
    const entrances = [...this.#entrances.values()];
    return {
      limiters: entrances.map(({ lane: { provider, limiter } }) => {
        const { active, queued: waiting, limit } = limiter;
        return { provider, active, waiting, limit };
      }),
      breakers: entrances.flatMap(({ lane: { provider }, breakers }) =>
        [...breakers].map(([model, { state }]) => ({ provider, model, state })),
      ),
    };
  }

  /** Closes the connections; requests in flight fail. */
  close(): void {
    this.#attempts.close();
  }

  #breakerOf({ provider, model }: ProviderCall, { breakers }: Entrance): Breaker {
    const known = breakers.get(model);
    if (known) return known;
    const { meter } = this.#parts;
    const opened = () => meter?.record({ type: "breaker_opened", provider: provider.name, model });
    const breaker = new Breaker(`${provider.name}/${model}`, this.#parts, opened);
    return remember(breakers, model, breaker);
  }

  /**
   * Returns the provider's lane and breakers. After a change of the configuration, creates a new lane and new breakers only if the
   * provider's endpoint, keys or limits have changed.
   */
  #entranceTo(provider: Provider): Entrance {
    const known = this.#known.get(provider);
    if (known) return known;
    const { baseUrl, apiKeys, maxConcurrency, rpm, tpm } = provider;
    const name = JSON.stringify([provider.name, baseUrl, apiKeys, maxConcurrency, rpm, tpm]);
    const entrance = this.#entrances.get(name) ?? {
      lane: new Lane(provider, this.#http, this.#parts),
      breakers: new Map(),
    };
    this.#entrances.set(name, entrance);
    this.#known.set(provider, entrance);
    return entrance;
  }
}

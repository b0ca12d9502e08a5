import type { HttpConfig } from "../core/config.js";
import type { HostState } from "../core/measurements.js";
import { Attempts, type OnDelta } from "./attempts.js";
import { Breaker } from "./breaker.js";
import type { Call } from "./call.js";
import type { Answer, AnswerFold } from "./deltas.js";
import type { LlmHttpParts } from "./http.js";
import { Lane, type LaneParts } from "./lane.js";
import type { Provider } from "./providers.js";
import type { RetryPolicyParts } from "./retry.js";

export type AdmissionParts = RetryPolicyParts & LlmHttpParts & LaneParts;

export interface AnswerParts {
  onDelta?: OnDelta;
  /** After something was shown, see `Attempts.answer`. */
  restart: boolean;
  finish: (fold: AnswerFold) => Answer;
}

/** Lets a call through to its provider: breaker, then a place in the provider's lane, then as many attempts as it takes. */
export class Admission {
  readonly #http: HttpConfig;
  readonly #parts: AdmissionParts;
  readonly #attempts: Attempts;
  readonly #lanes = new Map<string, Lane>();
  readonly #names = new WeakMap<Provider, string>();
  readonly #breakers = new Map<string, Breaker>();

  constructor(http: HttpConfig, parts: AdmissionParts) {
    this.#http = http;
    this.#parts = parts;
    this.#attempts = new Attempts(http, parts);
  }

  /** Throws LlmError. */
  answer(call: Call, { onDelta, restart, finish }: AnswerParts): Promise<Answer> {
    return this.#breakerOf(call).run(call, async () => {
      const lane = this.#laneOf(call);
      using _counted = lane.budget.enter();
      using slot = await lane.enter(call);
      call.place = { lane, slot };
      const answer = finish(await this.#attempts.answer(call, onDelta, restart));
      const { usage } = answer;
      if (usage) slot.correct(usage.inputTokens + usage.outputTokens);
      lane.answered();
      return answer;
    });
  }

  state(): Pick<HostState, "limiters" | "breakers"> {
    return {
      limiters: [...this.#lanes.values()].map(({ provider, limiter }) => {
        const { active, queued: waiting, limit } = limiter;
        return { provider, active, waiting, limit };
      }),
      breakers: [...this.#breakers.values()].map(({ name, state }) => {
        const [provider = "", model = ""] = name.split(/\/(.*)/s);
        return { provider, model, state };
      }),
    };
  }

  /** Closes the connections; requests in flight fail. */
  close(): void {
    this.#attempts.close();
  }

  #laneOf({ provider }: Call): Lane {
    const name = this.#nameOf(provider);
    const lane = this.#lanes.get(name) ?? new Lane(provider, this.#http, this.#parts);
    this.#lanes.set(name, lane);
    return lane;
  }

  #breakerOf({ provider, model }: Call): Breaker {
    const name = `${this.#nameOf(provider)}/${model}`;
    const { now, observe, meter } = this.#parts;
    const opened = () => meter?.record({ type: "breaker_opened", provider: provider.name, model });
    const breaker = this.#breakers.get(name) ?? new Breaker(`${provider.name}/${model}`, now, observe, opened);
    this.#breakers.set(name, breaker);
    return breaker;
  }

  /** A provider that was configured anew is another one only where its endpoint, keys or limits are. */
  #nameOf(provider: Provider): string {
    const known = this.#names.get(provider);
    if (known) return known;
    const { baseUrl, apiKeys, maxConcurrency, rpm, tpm } = provider;
    const name = JSON.stringify([provider.name, baseUrl, apiKeys, maxConcurrency, rpm, tpm]);
    this.#names.set(provider, name);
    return name;
  }
}

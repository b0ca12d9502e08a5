import type { HttpConfig } from "../core/config.js";
import { Attempts, type OnDelta } from "./attempts.js";
import { Breaker } from "./breaker.js";
import type { Call } from "./call.js";
import type { Answer, AnswerFold } from "./deltas.js";
import type { LlmHttpParts } from "./http.js";
import { Lane, type LaneParts } from "./lane.js";
import type { RetryPolicyParts } from "./retry.js";

type AdmissionParts = RetryPolicyParts & LlmHttpParts & LaneParts;

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

  /** Closes the connections; requests in flight fail. */
  close(): void {
    this.#attempts.close();
  }

  #laneOf({ provider }: Call): Lane {
    const lane = this.#lanes.get(provider.name) ?? new Lane(provider, this.#http, this.#parts);
    this.#lanes.set(provider.name, lane);
    return lane;
  }

  #breakerOf({ provider, model }: Call): Breaker {
    const name = `${provider.name}/${model}`;
    const breaker = this.#breakers.get(name) ?? new Breaker(name, this.#parts.now, this.#parts.observe);
    this.#breakers.set(name, breaker);
    return breaker;
  }
}

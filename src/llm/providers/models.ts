import { remember } from "../../core/async/remember.js";
import type { LlmConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { type Price, priceOf } from "./prices.js";
import { modelOfEntry, type ResolvedModel, resolveModel } from "./providers.js";

export class Models {
  readonly #config: LlmConfig;
  readonly #env: Environment;
  readonly #resolved = new Map<string, ResolvedModel>();
  /**
   * Prices keyed by provider and model. They are cached: looking up a price takes as long as all other work for an answer, and each hop of
   * a turn needs it twice.
   */
  readonly #prices = new Map<string, Price | undefined>();

  constructor(config: LlmConfig, env: Environment) {
    this.#config = config;
    this.#env = env;
  }

  /** Returns the model and its provider. Throws LlmError: unknown provider, no model, no key. */
  resolve(model?: string): ResolvedModel {
    const known = this.#resolved.get(model ?? "");
    if (known) return known;
    return remember(this.#resolved, model ?? "", resolveModel(this.#config, this.#env, model));
  }

  get inTurn(): number {
    return 1 + this.#config.fallback.length;
  }

  /** Returns the model at this position of the fallback chain; position 0 is `model`. Throws as `resolve` does. */
  at(position: number, model: string | undefined): ResolvedModel {
    const entry = position === 0 ? undefined : this.#config.fallback[position - 1];
    return this.resolve(entry === undefined ? model : modelOfEntry(this.#config, entry));
  }

  /** Returns the price, or undefined if it is unknown. Unknown is not the same as 0. */
  priceOf(provider: string, model: string): Price | undefined {
    const name = `${provider}/${model}`;
    const known = this.#prices.get(name);
    if (known || this.#prices.has(name)) return known;
    return remember(this.#prices, name, priceOf(this.#config, provider, model));
  }

  /** Returns every model that may answer a request for `model`, each as `provider/model`, in the order in which they are tried. */
  priced(model?: string): { name: string; price?: Price }[] {
    const found: { name: string; price?: Price }[] = [];
    for (let position = 0; position < this.inTurn; position++) {
      try {
        const { provider, model: resolved } = this.at(position, model);
        found.push({ name: `${provider.name}/${resolved}`, price: this.priceOf(provider.name, resolved) });
      } catch {} // a model that cannot be asked is left out, because it causes no costs
    }
    return found;
  }

  /** Returns the configured model of each usable provider, as `provider/model`, the active provider first. */
  usable(): string[] {
    const { active, providers } = this.#config;
    const names = [...new Set([...(active ? [active] : []), ...Object.keys(providers)])];
    return names.flatMap((name) => {
      try {
        return [`${name}/${this.resolve(`${name}/`).model}`];
      } catch {
        return []; // without a key or a model, the provider cannot be used
      }
    });
  }
}

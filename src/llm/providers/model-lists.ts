/** Lists the models that a person can choose: the configured ones, and those that the providers say they have. */

import type { LlmConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { messageOf } from "../../core/errors.js";
import { asArray, asNumber, asObject, asObjects, asText, type JsonObject, parseJson } from "../../core/json.js";
import { type ChoosableModel, type ChoosableModels, type MediaKind, mediaKinds } from "../../core/messages.js";
import type { Models } from "./models.js";
import { presetOf } from "./presets.js";
import { keysOf, type Provider, providerNames } from "./providers.js";

interface ListParts {
  config: LlmConfig;
  env: Environment;
  models: Models;
  /** Resolves with the provider's own list, as text. Undefined if no provider may be asked, for example while recorded answers are played. */
  ask: ((provider: Provider, signal: AbortSignal) => Promise<string>) | undefined;
  /** Returns what a model takes besides text. */
  takes(model: string): readonly MediaKind[];
}

/** Longest wait for the list of a provider. */
const patienceMs = 5_000;
/** Models of a provider that are named; the lists of some gateways have thousands. */
const mostModels = 500;
/** Models in the lists of providers that do not answer messages. */
const otherKinds = /embed|whisper|\btts\b|dall-e|moderation|transcribe|rerank|imagen|\bveo\b/i;

export class ModelLists {
  readonly #parts: ListParts;
  /** The lists of providers that have answered. */
  readonly #lists = new Map<string, Promise<ChoosableModel[]>>();

  constructor(parts: ListParts) {
    this.#parts = parts;
  }

  /** Asks each provider once. A provider that fails is asked again next time. Never rejects. */
  async all(): Promise<ChoosableModels> {
    const problems: { provider: string; message: string }[] = [];
    const configured = this.#parts.models.usable();
    const lists = await Promise.all(
      this.#usable().map(async (provider) => {
        try {
          return await this.of(provider);
        } catch (error) {
          problems.push({ provider: provider.name, message: messageOf(error) });
          return [];
        }
      }),
    );
    const found = new Map(lists.flat().map((model) => [model.id, model]));
    const first = configured.map((id) => {
      const slash = id.indexOf("/");
      return found.get(id) ?? this.#describe(id.slice(0, slash), { id: id.slice(slash + 1) });
    });
    const others = [...found.values()].filter(({ id }) => !configured.includes(id));
    return { models: [...first, ...others.sort((one, other) => one.id.localeCompare(other.id))], problems };
  }

  /** Returns the providers that can be asked: the configured ones, and those with a key in the environment. */
  #usable(): Provider[] {
    const { config, env, models } = this.#parts;
    const isMeant = (name: string) =>
      name === config.active || name in config.providers || keysOf(config, env, name).length > 0;
    return providerNames(config)
      .filter(isMeant)
      .flatMap((name) => {
        try {
          return [models.resolve(`${name}/any`).provider];
        } catch {
          return [];
        }
      });
  }

  /** Resolves with the models of one provider. Rejects if the provider does not list them. */
  of(provider: Provider): Promise<ChoosableModel[]> {
    const known = this.#lists.get(provider.name);
    if (known || !this.#parts.ask) return known ?? Promise.resolve([]);
    const asking = this.#parts
      .ask(provider, AbortSignal.timeout(patienceMs))
      .then((text) => entriesIn(text).map((entry) => this.#describe(provider.name, entry)));
    this.#lists.set(provider.name, asking);
    asking.catch(() => this.#lists.delete(provider.name));
    return asking;
  }

  #describe(provider: string, { id: model, contextWindow, takes }: ListedModel): ChoosableModel {
    const id = `${provider}/${model}`;
    const price = this.#parts.models.priceOf(provider, model);
    const known =
      contextWindow ?? this.#parts.config.providers[provider]?.contextWindow ?? presetOf(provider)?.contextWindow;
    return {
      id,
      provider,
      model,
      ...(known && { contextWindow: known }),
      price,
      takes: takes ?? this.#parts.takes(id),
    };
  }
}

interface ListedModel {
  id: string;
  contextWindow?: number | undefined;
  takes?: MediaKind[] | undefined;
}

/**
 * Reads a list in the shape of OpenAI, Anthropic or Gemini, with the additions of OpenRouter, vLLM, Groq and LM Studio. Throws for any other text.
 * Sources: platform.openai.com/docs/api-reference/models, docs.claude.com/en/api/models-list, ai.google.dev/api/models,
 * openrouter.ai/docs/api-reference/list-available-models.
 */
function entriesIn(text: string): ListedModel[] {
  const body = asObject(parseJson(text));
  const list = body?.data ?? body?.models;
  if (!Array.isArray(list)) throw new Error("its answer is not a list of models");
  return asObjects(list)
    .slice(0, mostModels)
    .flatMap((entry) => {
      const id = (asText(entry.id) ?? asText(entry.name) ?? "").replace(/^models\//, "");
      const methods = asArray(entry.supportedGenerationMethods);
      if (id === "" || otherKinds.test(id) || (methods.length > 0 && !methods.includes("generateContent"))) return [];
      return [{ id, contextWindow: contextOf(entry), takes: takenBy(entry) }];
    });
}

const contextKeys = [
  "context_length",
  "context_window",
  "max_model_len",
  "max_context_length",
  "inputTokenLimit",
  "max_input_tokens",
];

function contextOf(entry: JsonObject): number | undefined {
  return contextKeys.map((key) => asNumber(entry[key])).find((tokens) => tokens !== undefined && tokens > 0);
}

function takenBy({ architecture }: JsonObject): MediaKind[] | undefined {
  const kinds = asArray(asObject(architecture)?.input_modalities);
  return kinds.length === 0 ? undefined : mediaKinds.filter((kind) => kinds.includes(kind));
}

import type { LlmConfig, ProviderConfig, TimeoutConfig, WireName } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { LlmError } from "../../core/errors.js";
import { headerSecrets, longEnough, secretsInUrls } from "../../core/secrets/server-secrets.js";
import { defaultQuirks, keyVariableOf, modelQuirks, presetOf, presets, type Quirks } from "./presets.js";
import { type Vendor, vendorOf } from "./vendors.js";
import { chooseWire, presetAddress } from "./wire-choice.js";

/** A provider ready to be called: its preset, overridden by the configuration, with its keys. */
export interface Provider extends Omit<ProviderConfig, "quirks" | "apiKey"> {
  name: string;
  baseUrl: string;
  vendor?: Vendor;
  wire: WireName;
  wireBy: string;
  contextWindow: number;
  keyVariable: string;
  apiKeys: readonly string[];
  quirks: Quirks;
  limits: TimeoutConfig;
  /** Keys, headers and secrets in the address that must not appear in any message. */
  secrets: readonly string[];
}

export interface ResolvedModel {
  provider: Provider;
  model: string;
  /** Size of the context window in tokens, as far as the host knows it. */
  contextWindow: number;
}

const contextWindow = 128_000;
/** Maximum length of a model's name. Names come from callers, and the host stores what it learns about a model under that name. */
const longestModelName = 500;

/**
 * Resolves `model`: a model of the active provider, or `provider/model` if the prefix is a known provider. (OpenRouter's model
 * `openai/gpt-5` is written `openrouter/openai/gpt-5`.) Throws LlmError before anything is sent: unknown provider, no base_url, no model,
 * no key.
 */
export function resolveModel(config: LlmConfig, env: Environment, model?: string): ResolvedModel {
  if (model !== undefined && model.length > longestModelName)
    throw misconfigured(
      "",
      `a model's name has at most ${longestModelName} characters`,
      "Name a model of the provider.",
    );
  const slash = model?.indexOf("/") ?? -1;
  const prefix = model?.slice(0, Math.max(0, slash)) ?? "";
  const known = providerNames(config).includes(prefix);
  const name = known ? prefix : config.active;
  if (!name) throw misconfigured("", "llm.active is not set", "Set llm.active, or name the model as provider/model.");
  const named = known ? model?.slice(slash + 1) : model;
  const provider = provide(config, env, name, named);
  const wanted = named || provider.model;
  if (!wanted) throw misconfigured(name, `llm.providers.${name}.model is not set`, "Set it, or name a model with -m.");
  if (provider.quirks.needsKey && provider.apiKeys.length === 0) throw unusableKey(provider, "no API key");
  // Checked here, because the provider's own refusal would not name the cause.
  if (provider.apiKeys.some((key) => /[^!-~]/.test(key)))
    throw unusableKey(provider, "the API key contains a space or a character outside ASCII");
  return { provider, model: wanted, contextWindow: provider.contextWindow };
}

/**
 * Returns the model named by an entry of `llm.fallback`, in the form that `resolveModel` accepts. The entry is `provider` or
 * `provider/model`. Throws LlmError: unknown provider.
 */
export function modelOfEntry(config: LlmConfig, entry: string): string {
  const model = entry.includes("/") ? entry : `${entry}/`;
  const name = model.slice(0, model.indexOf("/"));
  if (!providerNames(config).includes(name)) throw unknownProvider(config, name);
  return model;
}

/** Returns the names of all providers: the configured ones, then the presets. */
export function providerNames(config: LlmConfig): string[] {
  return [...new Set([...Object.keys(config.providers), ...Object.keys(presets)])];
}

/**
 * Returns the provider's keys: those in the environment variable (separated by commas), else those in `api_key`; then those in `api_keys`.
 * Trims them, because a pasted newline makes a header invalid.
 */
export function keysOf(config: LlmConfig, env: Environment, name: string): string[] {
  const { apiKey = "", apiKeys = [] } = config.providers[name] ?? {};
  const first = env[keyVariableOf(name)]?.trim() || apiKey;
  const keys = [...first.split(","), ...apiKeys].map((key) => key.trim());
  return [...new Set(keys)].filter((key) => key !== "");
}

/** Builds the provider. `named`: the requested model, if it is not the provider's default. */
function provide(config: LlmConfig, env: Environment, name: string, named: string | undefined): Provider {
  const preset = presetOf(name);
  const configured = config.providers[name];
  if (!configured && !preset) throw unknownProvider(config, name);
  const { quirks: ownQuirks, ...own } = withoutUndefined(configured ?? {});
  const headers = { ...preset?.headers, ...own.headers };
  const merged: Omit<ProviderConfig, "quirks"> = { ...preset, ...own, headers };
  const address = merged.baseUrl;
  if (!address) {
    throw misconfigured(
      name,
      `llm.providers.${name}.base_url is not set`,
      "Set it to the URL that ends before /chat/completions.",
    );
  }
  const apiKeys = keysOf(config, env, name);
  const vendor = vendorOf(name, merged);
  const model = named || merged.model || "";
  const { wire, by: wireBy } = chooseWire(name, own, model);
  return {
    ...merged,
    name,
    vendor,
    baseUrl: own.baseUrl ?? presetAddress(name, wire) ?? address,
    wire,
    wireBy,
    apiKeys,
    contextWindow: merged.contextWindow ?? contextWindow,
    keyVariable: keyVariableOf(name),
    quirks: {
      ...defaultQuirks,
      ...presetOf(vendor?.preset ?? name)?.quirks,
      ...modelQuirks(model),
      ...withoutUndefined(ownQuirks ?? {}),
    },
    limits: {
      timeoutMs: merged.timeoutMs ?? config.http.timeoutMs,
      connectTimeoutMs: merged.connectTimeoutMs ?? config.http.connectTimeoutMs,
      ttftTimeoutMs: merged.ttftTimeoutMs ?? config.http.ttftTimeoutMs,
      idleTimeoutMs: merged.idleTimeoutMs ?? config.http.idleTimeoutMs,
    },
    secrets: longEnough({
      named: [...apiKeys, ...headerSecrets(own.headers), ...secretsInUrls(own.baseUrl)],
      other: [],
    }),
  };
}

function withoutUndefined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function unusableKey({ name, keyVariable }: Provider, problem: string): LlmError {
  return new LlmError("auth", `${name}: ${problem} (environment variable ${keyVariable})`, {
    provider: name,
    hint: `Set ${keyVariable}, or llm.providers.${name}.api_key.`,
  });
}

function unknownProvider(config: LlmConfig, name: string): LlmError {
  const hint =
    name === "scripted"
      ? "The scripted model is only for session files: write model: scripted, and its replies under scripted."
      : `Known: ${providerNames(config).join(", ")}.`;
  return misconfigured(name, `unknown provider "${name}"`, hint);
}

function misconfigured(provider: string, message: string, hint: string): LlmError {
  return new LlmError("bad_request", message, { provider, hint });
}

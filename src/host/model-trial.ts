/** Replaces the demo model: lists the providers that can be chosen, and tries a model before it is used. */
import type { LlmConfig } from "../core/config.js";
import type { Environment } from "../core/environment.js";
import { errorInfo } from "../core/errors.js";
import type { OfferedProvider, TriedModel } from "../core/server-settings.js";
import { LlmClient } from "../llm/client.js";
import { findLocalServers } from "../llm/providers/choose-provider.js";
import { presetOf } from "../llm/providers/presets.js";
import { providerNames } from "../llm/providers/providers.js";

export async function offeredProviders(llm: LlmConfig): Promise<OfferedProvider[]> {
  const found = new Map((await findLocalServers(llm)).map(({ provider, models }) => [provider, models]));
  // `local` is a server at any address.
  const names = new Set([...found.keys(), ...providerNames(llm), "local"]);
  names.delete("demo");
  return [...names].map((name) => ({
    name,
    baseUrl: (llm.providers[name] ?? presetOf(name))?.baseUrl ?? "",
    needsKey: presetOf(name)?.quirks?.needsKey ?? false,
    models: found.get(name) ?? [],
  }));
}

/** Asks the provider for its models, and a model for one word: some providers list their models without a key. */
export async function tryProvider(
  llm: LlmConfig,
  name: string,
  { env, signal }: { env: Environment; signal: AbortSignal },
): Promise<TriedModel & { model?: string | undefined }> {
  const once = { ...llm, fallback: [], http: { ...llm.http, maxRetries: 0 } };
  const client = new LlmClient(once, { env, observe: () => {} });
  let models: string[] = [];
  try {
    const listing = client.listedModels(name);
    models = await listing.catch(() => []);
    const preset = presetOf(name);
    const first = preset?.quirks?.needsKey ? preset.model : (models[0] ?? preset?.model);
    const model = llm.providers[name]?.model ?? first;
    if (model === undefined) await listing; // its error says more than that no model is known
    const content = [{ type: "text" as const, text: "Reply with the single word: works" }];
    const request = { model: `${name}/${model ?? ""}`, messages: [{ role: "user" as const, content }], tools: [] };
    await client.complete(request, { streaming: true, signal });
    return { model, models };
  } catch (error) {
    const { kind, message, hint } = errorInfo(error);
    // The hints of these errors name settings, which a person before a form does not know.
    const isAddress = ["connect", "connect_timeout", "html", "redirect"].includes(kind);
    const advice = isAddress
      ? "Check the address, and whether the server runs."
      : kind === "auth"
        ? "Check the key."
        : hint;
    return { models, problem: `${message}. ${advice}` };
  } finally {
    client.close();
  }
}

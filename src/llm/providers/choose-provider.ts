import { get } from "node:http";
import type { LlmConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { asObject, asObjects, asText, parseJson } from "../../core/json.js";
import { readUpTo } from "../../outbound/response.js";
import { presetOf } from "./presets.js";
import { keysOf, providerNames } from "./providers.js";

/** The model of requests that name none. */
export interface ModelChoice {
  provider: string;
  /** Undefined for the model that the configuration names for the provider. */
  model?: string | undefined;
}

/** Resolves with the model ids of an OpenAI-compatible server; undefined if no such server answers. */
export type Probe = (baseUrl: string) => Promise<readonly string[] | undefined>;

const localServers = ["ollama", "lmstudio", "llamacpp"];
/** Longest wait for a local server. A closed port fails at once, but a server that listens may be busy. */
const probeTimeoutMs = 1_500;
/** Maximum size of a list of models. */
const maxListBytes = 1024 * 1024;

/**
 * Resolves with `llm.active` if it is set. Otherwise chooses the first provider with a key, else a local server that answers, else the demo
 * model. Never rejects.
 */
export async function chooseProvider(
  config: LlmConfig,
  env: Environment,
  probe: Probe = listModels,
): Promise<ModelChoice> {
  if (config.active) return { provider: config.active };
  const withKey = providerNames(config).find((name) => keysOf(config, env, name).length > 0);
  if (withKey) return { provider: withKey };
  const [local] = await findLocalServers(config, probe);
  if (!local) return { provider: "demo" };
  const configured = config.providers[local.provider]?.model;
  return { provider: local.provider, model: configured ?? local.models[0] };
}

/** Resolves with the model servers of this machine that answer at their usual or configured address and have a model. Never rejects. */
export async function findLocalServers(
  config: LlmConfig,
  probe: Probe = listModels,
): Promise<{ provider: string; models: readonly string[] }[]> {
  const answers = await Promise.all(
    localServers.map(async (provider) => {
      const baseUrl = config.providers[provider]?.baseUrl ?? presetOf(provider)?.baseUrl ?? "";
      return { provider, models: (await probe(baseUrl)) ?? [] };
    }),
  );
  return answers.filter(({ models }) => models.length > 0);
}

/**
 * Asks a plain-HTTP server for its models. If no list of models arrives in time, the server counts as absent: another kind of program may
 * use that port.
 */
function listModels(baseUrl: string): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    const none = () => resolve(undefined);
    const signal = AbortSignal.timeout(probeTimeoutMs);
    try {
      const request = get(`${baseUrl}/models`, { signal, agent: false }, (response) => {
        readUpTo(response, maxListBytes, probeTimeoutMs).then((text) => resolve(modelIds(text)));
      });
      request.on("error", none);
      request.on("upgrade", (_response, socket) => {
        socket.destroy();
        none();
      });
    } catch {
      none();
    }
  });
}

function modelIds(text: string): string[] | undefined {
  const list = asObject(parseJson(text))?.data;
  return Array.isArray(list) ? asObjects(list).flatMap(({ id }) => asText(id) ?? []) : undefined;
}

import type { Config, ServerConfig } from "../core/config.js";
import { isSecretName } from "./redact.js";

/** A shorter one would blank out ordinary words. */
const shortest = 8;

/** Every secret that the configuration and the environment hold, as far as their names tell: what no text for others may contain. */
export function configuredSecrets(
  { llm, mcpServers }: Config,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const providers = Object.values(llm.providers).flatMap(({ apiKey, apiKeys = [], headers }) => [
    apiKey,
    ...apiKeys,
    ...secretValues(headers),
  ]);
  const all = [...secretValues(env), ...providers, ...mcpServers.flatMap(secretsOfServer)];
  return [...new Set(all)].filter((value) => value !== undefined && value.length >= shortest) as string[];
}

function secretsOfServer(server: ServerConfig): (string | undefined)[] {
  if (server.transport === "stdio") return secretValues(server.env);
  return [...secretValues(server.headers), server.oauth?.clientSecret];
}

/** Of `Authorization: Bearer abc` also `abc` alone. */
function secretValues(values: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries(values).flatMap(([name, value = ""]) =>
    isSecretName(name) ? [value, ...value.split(/\s+/)] : [],
  );
}

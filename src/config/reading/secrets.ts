import type { Config } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import {
  headerSecrets,
  longEnough,
  secretsInUrls,
  secretValues,
  serverSecrets,
} from "../../core/secrets/server-secrets.js";

/**
 * Returns all texts that must not be shown to others: values of keys and variables whose names suggest a secret, values of placeholders
 * and of headers, and values in a server's `env`.
 */
export function configuredSecrets(config: Config, env: Environment): string[] {
  const taken = config.privateVariables.map((name) => env[name]);
  const ofHost = longEnough({ named: namedSecrets(config), other: [...secretValues(env), ...taken] });
  return [...new Set([...ofHost, ...config.mcpServers.flatMap(serverSecrets)])];
}

function namedSecrets({ llm, chat, serve, telemetry }: Config): (string | undefined)[] {
  const providers = Object.values(llm.providers).flatMap(({ apiKey, apiKeys = [], headers, baseUrl }) => [
    apiKey,
    ...apiKeys,
    ...headerSecrets(headers),
    ...secretsInUrls(baseUrl),
  ]);
  const { storage } = chat;
  const database = storage.driver === "postgres" ? [storage.url, passwordOf(storage.url)] : [];
  const collector = [...Object.values(telemetry.headers), ...secretsInUrls(telemetry.endpoint)];
  return [...providers, serve.token, ...database, ...collector];
}

function passwordOf(url: string): string | undefined {
  const { password, searchParams } = new URL(url);
  return decodeURIComponent(password) || searchParams.get("password") || undefined;
}

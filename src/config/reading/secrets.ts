import type { Config, ServerConfig } from "../../core/config.js";
import type { Environment } from "../../core/environment.js";
import { isPlainVariable, isRandomSegment, isSecretName } from "./redact-config.js";

/**
 * Minimum length, in characters, of a secret that is redacted, because shorter texts also occur in ordinary words. `shortestNamed` applies
 * to values whose keys suggest a secret.
 */
const shortest = 8;
const shortestNamed = 6;

/**
 * Returns all texts that must not be shown to others: values of keys and variables whose names suggest a secret, values of placeholders,
 * and values in a server's `env`.
 */
export function configuredSecrets(config: Config, env: Environment): string[] {
  const taken = config.privateVariables.map((name) => env[name]);
  const ofServers = config.mcpServers.flatMap((server) => (server.transport === "stdio" ? valuesOf(server.env) : []));
  return [
    ...new Set([
      ...atLeast(shortestNamed, namedSecrets(config)),
      ...atLeast(shortest, [...secretValues(env), ...taken, ...ofServers]),
    ]),
  ];
}

function atLeast(length: number, values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined && value.length >= length) as string[];
}

function valuesOf(variables: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(variables).flatMap(([name, value]) => (isPlainVariable(name) ? [] : [value]));
}

function namedSecrets({ llm, chat, serve, telemetry, mcpServers }: Config): (string | undefined)[] {
  const providers = Object.values(llm.providers).flatMap(({ apiKey, apiKeys = [], headers, baseUrl }) => [
    apiKey,
    ...apiKeys,
    ...secretValues(headers),
    ...secretsInUrls(baseUrl),
  ]);
  const { storage } = chat;
  const database = storage.driver === "postgres" ? [storage.url, passwordOf(storage.url)] : [];
  const collector = [...Object.values(telemetry.headers), ...secretsInUrls(telemetry.endpoint)];
  return [...providers, serve.token, ...database, ...collector, ...mcpServers.flatMap(secretsOfServer)];
}

function secretsOfServer(server: ServerConfig): (string | undefined)[] {
  if (server.transport === "stdio") {
    const values = Object.values(server.env ?? {});
    return [
      ...secretValues(server.env),
      ...secretArgs(server.args),
      ...[...values, ...server.args].flatMap(secretsInUrls),
      ...server.args.flatMap(secretsInPaths),
    ];
  }
  const ofUrl = [...secretsInUrls(server.url), ...secretsInPaths(server.url)];
  return [...secretValues(server.headers), server.oauth?.clientSecret, ...ofUrl];
}

/** Returns the secrets in arguments such as `--token abc`, `--token=abc`, `PASSWORD=abc` and `Authorization: Bearer abc`. */
function secretArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const before = args[index - 1] ?? "";
    if (/^-[^=:]*$/.test(before) && isSecretName(before) && !arg.startsWith("-")) return [arg];
    const [, name = "", value = ""] = /^([\w-]+)\s*[:=]\s*(.*)$/s.exec(arg) ?? [];
    return secretValues({ [name]: value });
  });
}

/**
 * Returns the passwords in URLs, and the query values whose names suggest a secret. Returns each value twice: as it is written, and
 * decoded.
 */
function secretsInUrls(text: string | undefined = ""): string[] {
  return (text.match(/[a-z][a-z0-9+.-]*:\/\/[^\s"']+/gi) ?? [])
    .filter((url) => URL.canParse(url))
    .flatMap((written) => {
      const { password, search } = new URL(written);
      const pairs = search
        .slice(1)
        .split("&")
        .map((pair) => pair.split(/=(.*)/s));
      const named = pairs.filter(([name = ""]) => isSecretName(name)).map(([, value = ""]) => value);
      return [password, ...named].flatMap((value) => [value, decoded(value)]);
    });
}

/** Returns the parts of paths in URLs that look like secrets. */
function secretsInPaths(text: string): string[] {
  return (text.match(/[a-z][a-z0-9+.-]*:\/\/[^\s"']+/gi) ?? [])
    .filter((url) => URL.canParse(url))
    .flatMap((url) => new URL(url).pathname.split("/").filter(isRandomSegment));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function passwordOf(url: string): string | undefined {
  const { password, searchParams } = new URL(url);
  return decodeURIComponent(password) || searchParams.get("password") || undefined;
}

const scheme = /^(?:Bearer|Basic|Digest|Token|ApiKey)$/i;

/** Returns the values whose names suggest a secret. For `Authorization: Bearer abc`, returns `Bearer abc` and `abc`, but not `Bearer`. */
function secretValues(values: Readonly<Record<string, string | undefined>> = {}): string[] {
  return Object.entries(values).flatMap(([name, value = ""]) =>
    isSecretName(name) ? [value, ...value.split(/\s+/)].filter((part) => !scheme.test(part)) : [],
  );
}

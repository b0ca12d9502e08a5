/** Finds secrets in plain text in an entry of `mcpServers`, and replaces them by placeholders. */
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { isSecretName } from "../../core/secrets/secret-names.js";
import { schemes } from "../../core/secrets/server-secrets.js";
import { clearing } from "../../core/text/redaction.js";
import { loadConfig } from "./load.js";
import { redactArgs, redactUrls } from "./redact-config.js";
import { configuredSecrets } from "./secrets.js";

/** Matches all placeholders. Their length is bounded, so that a search takes linear time, even in a text of many `${` without an end. */
const placeholders = /\$\{[^}]{0,1000}\}/g;
/** Matches a placeholder, so that a text can be split into its placeholders and the texts beside them. */
const placeholder = /(\$\{[^}]{0,1000}\})/;

/**
 * Returns the secrets in an entry, longest first. A value is a secret if its key suggests one. Values such as `${NAME}` are skipped.
 * `entry` must be valid.
 */
export function inlineSecrets(name: string, entry: JsonObject): string[] {
  const mcpServers = { [name]: { ...entry, enabled: false } };
  const { config } = loadConfig({ mcpServers }, { env: {}, allowsUnset: true });
  return configuredSecrets(config, {})
    .filter((secret) => !secret.includes("${"))
    .sort((one, other) => other.length - one.length);
}

/** Returns true if any text in the entry looks like an API key, even if the key of that text does not suggest a secret. */
export function looksSecret(entry: JsonObject): boolean {
  const text = JSON.stringify(entry).replaceAll(placeholders, "");
  return clearing([])(text) !== text;
}

/** Returns the entry with a placeholder instead of each secret, and the placeholders' variables. A prefix such as `Bearer ` is kept. */
export function referring(
  name: string,
  entry: JsonObject,
  inline: readonly string[],
): { entry: JsonObject; variables: string[] } {
  const secrets = inline.filter((secret) => !inline.some((other) => secret.endsWith(` ${other}`)));
  const server = variableName(name);
  const env = isPlainObject(entry.env) ? entry.env : {};
  const variables = secrets.map((secret, index) => {
    const key = Object.keys(env).find((each) => env[each] === secret);
    return key ?? `${server}_SECRET${index === 0 ? "" : index + 1}`;
  });
  const replaced = (text: string) =>
    secrets.reduce((rest, secret, index) => rest.replaceAll(secret, () => `\${${variables[index]}}`), text);
  return { entry: mapTexts(entry, replaced) as JsonObject, variables };
}

function variableName(name: string): string {
  return name
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .replace(/^(?=\d)/, "_")
    .toUpperCase();
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]));
}

/**
 * Returns the entry for display. Hides the values of variables and headers, and secrets in the arguments, the URL and the OAuth settings,
 * but shows placeholders.
 */
export function masked(entry: JsonObject): JsonObject {
  const hidden = (mapping: unknown) =>
    isPlainObject(mapping)
      ? Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, hide(value)]))
      : mapping;
  const shown: JsonObject = { ...entry };
  for (const key of ["env", "headers"]) if (key in entry) shown[key] = hidden(entry[key]);
  if (Array.isArray(entry.args)) shown.args = redactArgs(entry.args.map(String));
  if (typeof entry.url === "string") shown.url = redactUrls(entry.url);
  if (isPlainObject(entry.oauth)) {
    const login = Object.entries(entry.oauth).map(([key, value]) => [
      key,
      isSecretName(key, String(value)) ? hide(value) : value,
    ]);
    shown.oauth = Object.fromEntries(login);
  }
  return shown;
}

/** Matches a text beside placeholders that is not secret: signs, and the scheme of a header. */
const plainText = new RegExp(`^(?:(?:Authorization:\\s*)?(?:${schemes})\\s+|[\\s:;,/@$}]*)$`, "i");

/** Hides a value, but shows its placeholders without their defaults. */
function hide(value: unknown): string {
  const parts = String(value).split(placeholder);
  if (parts.length === 1) return "***";
  return parts
    .map((part) => (placeholder.test(part) ? part.replace(/:-.+\}$/s, ":-***}") : plainText.test(part) ? part : "***"))
    .join("");
}

/**
 * Returns a function that removes `secrets`, and other texts that look like secrets, from a text. From a line that contains a placeholder,
 * the function removes only `secrets`.
 */
export function clearingLines(secrets: readonly string[]): (text: string) => string {
  const clear = clearing(secrets);
  const clearKnown = clearing(secrets, []);
  return (text) =>
    text
      .split("\n")
      .map((line) => (line.includes("${") ? clearKnown(line) : clear(line)))
      .join("\n");
}

/** Removes the secrets of these servers from a text. The text may quote the servers' entries. */
export function withoutSecrets(text: string, servers: JsonObject): string {
  const secrets = Object.entries(servers).flatMap(([name, entry]) =>
    isPlainObject(entry) ? secretsIfValid(name, entry) : [],
  );
  return clearingLines(secrets)(text);
}

function secretsIfValid(name: string, entry: JsonObject): string[] {
  try {
    return inlineSecrets(name, entry);
  } catch {
    return [];
  }
}

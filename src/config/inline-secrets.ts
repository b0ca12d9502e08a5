/** Secrets written into an entry of `mcpServers`, and their replacement. */
import { clearing } from "../core/redaction.js";
import { isMapping, type Mapping } from "../core/tree.js";
import { loadConfig } from "./load.js";
import { isSecretName, redactArgs, redactUrls } from "./redact.js";
import { configuredSecrets } from "./secrets.js";

/** Returns the secrets found by the name of their key, longest first. Values written as `${NAME}` are skipped. `entry` must be valid. */
export function inlineSecrets(name: string, entry: Mapping): string[] {
  const mcpServers = { [name]: { ...entry, enabled: false } };
  const { config } = loadConfig({ mcpServers }, { env: {}, allowsUnset: true });
  return configuredSecrets(config, {})
    .filter((secret) => !secret.includes("${"))
    .sort((one, other) => other.length - one.length);
}

/** Returns true if some text in the entry has the shape of a key, under any name. */
export function looksSecret(entry: Mapping): boolean {
  const text = JSON.stringify(entry).replaceAll(/\$\{[^}]*\}/g, "");
  return clearing([])(text) !== text;
}

/** Returns the entry with a placeholder for each secret; prefixes such as `Bearer ` stay. */
export function referring(name: string, entry: Mapping, inline: readonly string[]): Mapping {
  const secrets = inline.filter((secret) => !inline.some((other) => secret.endsWith(` ${other}`)));
  const server = variableName(name);
  const env = isMapping(entry.env) ? entry.env : {};
  const names = secrets.map((secret, index) => {
    const key = Object.keys(env).find((each) => env[each] === secret);
    return key ?? `${server}_SECRET${index === 0 ? "" : index + 1}`;
  });
  const replaced = (text: string) =>
    secrets.reduce((rest, secret, index) => rest.replaceAll(secret, () => `\${${names[index]}}`), text);
  return mapTexts(entry, replaced) as Mapping;
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
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]));
}

/** Returns the entry for display, like `config show`, but with placeholders. */
export function masked(entry: Mapping): Mapping {
  const hidden = (mapping: unknown) =>
    isMapping(mapping)
      ? Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, hide(value)]))
      : mapping;
  const shown: Mapping = { ...entry };
  for (const key of ["env", "headers"]) if (key in entry) shown[key] = hidden(entry[key]);
  if (Array.isArray(entry.args)) shown.args = redactArgs(entry.args.map(String));
  if (typeof entry.url === "string") shown.url = redactUrls(entry.url);
  if (isMapping(entry.oauth)) {
    const login = Object.entries(entry.oauth).map(([key, value]) => [key, isSecretName(key) ? hide(value) : value]);
    shown.oauth = Object.fromEntries(login);
  }
  return shown;
}

function hide(value: unknown): unknown {
  const text = String(value);
  const isReference =
    /\$\{/.test(text) && text.replaceAll(/\$\{[^}]*\}/g, "").length <= "Authorization: Bearer ".length;
  return isReference ? value : "***";
}

/** Removes these secrets from lines, and anything that looks like one. A line with a placeholder keeps what only looks like one. */
export function clearingLines(secrets: readonly string[]): (text: string) => string {
  const clear = clearing(secrets);
  const clearKnown = clearing(secrets, []);
  return (text) =>
    text
      .split("\n")
      .map((line) => (line.includes("${") ? clearKnown(line) : clear(line)))
      .join("\n");
}

/** Removes the secrets of `servers` from a text that may quote their entries. */
export function withoutSecrets(text: string, servers: Mapping): string {
  const secrets = Object.entries(servers).flatMap(([name, entry]) =>
    isMapping(entry) ? secretsIfValid(name, entry) : [],
  );
  return clearingLines(secrets)(text);
}

function secretsIfValid(name: string, entry: Mapping): string[] {
  try {
    return inlineSecrets(name, entry);
  } catch {
    return [];
  }
}

/**
 * Describes what a configuration from the working directory would do. The user reads these descriptions before confirming the
 * configuration.
 */

import type { ServerConfig } from "../../core/config.js";
import { ConfigError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { isSecretName } from "../../core/secrets/secret-names.js";
import { child, keyPath, keys, scalarsIn, valueAt } from "../../core/source/tree.js";
import { type LoadedConfig, loadConfig } from "../reading/load.js";
import { redactPlainArgs, redactPlainUrls } from "../reading/redact-config.js";
import { configSchema, isSecret, type SchemaNode, schemaOfChild } from "../schema/config-schema.js";
import { hasPlaceholder, isHarmless, type PresetOf } from "./consent-settings.js";

/**
 * Describes a server: first the program that the server runs or the address that it connects to, then what the server gets, sends and may
 * do. Each setting that needs confirmation has a line.
 */
export function describeServer({ name, ...server }: ServerConfig, loaded: LoadedConfig): string[] {
  const pointer = child("/mcpServers", name);
  const shown = (pointer: string) => shownAt(pointer, loaded);
  const isLocal = server.transport === "stdio";
  const what = isLocal
    ? [shown(`${pointer}/command`), ...server.args.map((_, index) => shown(`${pointer}/args/${index}`))]
        .map(asWord)
        .join(" ")
    : shown(`${pointer}/url`);
  const own = loaded.base?.config.mcpServers.some((mine) => mine.name === name);
  const replaced = own ? " (in place of your own server of this name)" : "";
  const destination = isLocal ? undefined : hostOf(`${pointer}/url`, loaded);
  const settings = scalarsIn(valueAt(loaded.tree, pointer), pointer)
    .map(([pointer]) => pointer)
    .filter((pointer) => !isHarmless(settingOf(pointer)));
  const facts = [...new Set(settings.map(settingOf))].flatMap((pointer) => describeOfServer(pointer, loaded));
  const fromFile = isLocal ? variablesOfFile(pointer, server.env ?? {}, loaded) : [];
  const sent = settings.flatMap((pointer) => sentBy(pointer, destination, loaded));
  return [
    `${isLocal ? "starts" : "connects to"} the MCP server ${name}${replaced}: ${what}`,
    ...facts,
    ...fromFile,
    ...sent,
  ];
}

/**
 * Describes a server from another program's configuration in the same way as `describeServer`. `folder` is the folder to which relative
 * paths in the entry refer.
 */
export function describeEntry(name: string, entry: JsonObject, folder: string): string[] {
  const args = Array.isArray(entry.args) ? { args: redactPlainArgs(entry.args.map(String)) } : {};
  // An entry that cannot be loaded is tried again as disabled, because a missing `env_file` is an error only for an enabled server.
  for (const more of [{}, { enabled: false }]) {
    try {
      const mcpServers = { [name]: { ...entry, ...args, ...more } };
      const loaded = loadConfig({ mcpServers }, { env: {}, cwd: folder, allowsUnset: true });
      return loaded.config.mcpServers.flatMap((server) => describeServer(server, loaded));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  // The import will skip this server.
  return [`has a server that cannot be used: ${name}`];
}

/** Describes a setting outside `mcpServers`: its value, its purpose, and which data it sends to which address. */
export function describeSetting(pointer: string, loaded: LoadedConfig, presetOf: PresetOf): string[] {
  const value = loaded.written.get(pointer);
  const pointers = Array.isArray(value) ? value.map((_, index) => child(pointer, index)) : [pointer];
  const destination = destinationOf(pointer, loaded, presetOf);
  return [
    `sets ${keyPath(pointer)} to ${shownValue(pointer, value)} (${aboutOf(pointer)})`,
    ...keySentBy(pointer, loaded, presetOf),
    ...pointers.flatMap((each) => sentBy(each, destination, loaded)),
  ];
}

/** Returns the pointer of a list, given the pointer of one of its items. Returns other pointers unchanged. */
function settingOf(pointer: string): string {
  return pointer.replace(/(?<=\/(?:args|roots|allow|auto_approve|scopes))\/\d+$/, "");
}

function describeOfServer(pointer: string, loaded: LoadedConfig): string[] {
  const [, , key = "", ...below] = keys(pointer);
  const value = valueAt(loaded.tree, pointer);
  if (["type", "command", "args", "url", "env_file"].includes(key) || isDefault(pointer, value)) return [];
  const written = shownValue(pointer, loaded.written.get(pointer) ?? value);
  if (key === "env") return loaded.written.has(pointer) ? [`gets the variable ${below.join("/")}: ${written}`] : [];
  if (key === "headers") return [`gets the header ${below.join("/")}: ${written}`];
  if (key === "cwd") return [`runs in the folder ${written}`];
  if (key === "trusted")
    return ["is trusted in what it says of its tools: tools that it calls read-only run without asking you"];
  if (key === "sampling" && value === "allow") return ["may use the model at your cost without asking you (sampling)"];
  if (key === "roots") return [`is told to work in these folders: ${written}`];
  if (key === "tools" && below[0] === "auto_approve") return [`runs these tools without asking you: ${written}`];
  return [`has ${[key, ...below].join(".")} set to ${written} (${aboutOf(pointer)})`];
}

function variablesOfFile(pointer: string, env: Readonly<Record<string, string>>, loaded: LoadedConfig): string[] {
  const file = `${pointer}/env_file`;
  const names = Object.keys(env).filter((name) => !loaded.written.has(child(`${pointer}/env`, name)));
  return valueAt(loaded.tree, file) === undefined
    ? []
    : [`gets the variables of the file ${shownAt(file, loaded)}: ${names.join(", ") || "none yet"}`];
}

/** Describes which variables of the user's environment the setting contains, and to which address they are sent. */
function sentBy(pointer: string, destination: string | undefined, { variablesOf }: LoadedConfig): string[] {
  const names = [...new Set(variablesOf(pointer))];
  if (names.length === 0) return [];
  return [
    `${destination ? "sends" : "gets"} ${names.join(" and ")} of your environment${destination ? ` to ${destination}` : ""}`,
  ];
}

/** Describes which API key would be sent to the address in a provider's `base_url`. */
function keySentBy(pointer: string, loaded: LoadedConfig, presetOf: PresetOf): string[] {
  const [llm, providers, name = "", key] = keys(pointer);
  if (llm !== "llm" || providers !== "providers" || key !== "base_url") return [];
  const host = hostOf(pointer, loaded);
  return [`sends your prompts, and ${presetOf(name).keyVariable} of your environment where it is set, to ${host}`];
}

function destinationOf(pointer: string, loaded: LoadedConfig, presetOf: PresetOf): string {
  const [top, section, name = ""] = keys(pointer);
  const address =
    top === "llm" && section === "providers"
      ? child(`/llm/providers/${name}`, "base_url")
      : { telemetry: "/telemetry/endpoint", llm: "/llm/http/proxy", chat: "/chat/storage/url" }[top ?? ""];
  if (top === "chat" && section !== "storage") return "the model";
  const preset = top === "llm" && section === "providers" ? presetOf(name).baseUrl : undefined;
  if (address && valueAt(loaded.tree, address) === undefined && preset) return new URL(preset).host;
  return address ? hostOf(address, loaded) : "anyone who connects";
}

/** Returns the host of an address, as it is written in the file. Placeholders are not replaced, because their values may be secrets. */
function hostOf(pointer: string, loaded: LoadedConfig): string {
  const url = textAt(pointer, loaded);
  const [, host] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url) ?? [];
  return host || url || "its address";
}

function textAt(pointer: string, { written, tree }: LoadedConfig): string {
  const above = pointer.replace(/\/\d+$/, "");
  const itemOf = (list: unknown) => (Array.isArray(list) ? list[Number(pointer.slice(above.length + 1))] : undefined);
  const asWritten = written.get(pointer) ?? itemOf(written.get(above));
  return String(asWritten ?? valueAt(tree, pointer) ?? itemOf(valueAt(tree, above)) ?? "");
}

function shownAt(pointer: string, loaded: LoadedConfig): string {
  return redactPlainUrls(textAt(pointer, loaded));
}

/** Quotes an argument of a command line if it would otherwise look like two arguments. */
function asWord(text: string): string {
  return /^[^\s"'\\]+$/.test(text) ? text : JSON.stringify(text);
}

/**
 * Returns a value for display. Secrets from the file are hidden. If the key suggests a secret, the value is hidden unless it looks like a
 * path or an address.
 */
function shownValue(pointer: string, value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  const mayHide =
    isSecret(pointer) &&
    (pointer.startsWith("/mcpServers/") ? isSecretName(keys(pointer).at(-1) ?? "", String(value)) : true);
  if (!mayHide || hasPlaceholder(value) || /^"\w+:\/\//.test(text)) return redactPlainUrls(text);
  return /[/\\]/.test(text) && pointer.startsWith("/mcpServers/") ? redactPlainUrls(text) : "***";
}

function isDefault(pointer: string, value: unknown): boolean {
  return value === schemaAt(pointer)?.default || (Array.isArray(value) && value.length === 0);
}

function aboutOf(pointer: string): string {
  let about = "";
  let node: SchemaNode | undefined = configSchema();
  for (const key of keys(pointer)) {
    node = node && schemaOfChild(node, key);
    about = node?.description ?? about;
  }
  return about.replace(/\.$/, "");
}

function schemaAt(pointer: string): SchemaNode | undefined {
  return keys(pointer).reduce<SchemaNode | undefined>((node, key) => node && schemaOfChild(node, key), configSchema());
}

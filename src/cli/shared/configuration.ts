/** Chooses the configuration of this process: flags, the named or found file, and the part of a found file that the user has confirmed. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ConfigLocation } from "../../config/edit/config-file.js";
import type { LoadedConfig, LoadOptions } from "../../config/reading/load.js";
import type { ServerConfig } from "../../core/config.js";
import { readRegularFile } from "../../core/source/regular-file.js";

export interface GlobalOptions {
  config?: string;
  mcpConfig?: string;
  logLevel?: string;
  trustProject?: boolean;
}

export interface ConfigSource {
  /** Path of the file. If undefined, all settings have their defaults. */
  file?: string;
  /** True if the file was found in the working directory, not named by the user. Anybody may have written such a file. */
  isFound: boolean;
  /** Name of a file in the working directory that is not used, because it is the configuration of another program. */
  foreign?: string;
  /** The user's own configuration file. Settings in a found file override the settings in this file. */
  base?: string;
}

/** File names to look for in the working directory. The first that exists is used. */
export const configNames = ["mcp-platform.yaml", "config.yaml"];

export function findSource({ config = process.env.MCP_PLATFORM_CONFIG }: GlobalOptions): ConfigSource {
  if (config !== undefined) return { file: config, isFound: false };
  const existing = configNames.filter((name) => existsSync(name));
  const foreign = existing.find((name) => name === "config.yaml" && isForeign(name));
  const found = existing.find((name) => name !== foreign);
  const own = usersFile();
  if (found === undefined || (own && isSameFile(found, own))) return { file: own, isFound: false, foreign };
  return { file: found, isFound: true, foreign, base: own };
}

const isSameFile = (one: string, other: string) => realpathSync(one) === realpathSync(other);

/**
 * Looks again for files that were missing before. Returns the source with the files that exist now, or the same source if nothing has
 * changed.
 */
export function findAgain(source: ConfigSource, flags: GlobalOptions): ConfigSource {
  if (source.file === undefined) return findSource(flags);
  const own = source.isFound && source.base === undefined && existsSync(source.file) ? usersFile() : undefined;
  return own === undefined || isSameFile(source.file, own) ? source : { ...source, base: own };
}

/** Returns the absolute paths of missing files that `findAgain` would use if they existed. */
export function missingFiles({ file, isFound, base, foreign }: ConfigSource): string[] {
  const names = configNames.filter((name) => name !== foreign);
  if (file === undefined) return [...names.map((name) => resolve(name)), usersPath()];
  return isFound && base === undefined ? [usersPath()] : [];
}

/** Loads the configuration from flags, environment and file. Throws ConfigError. */
export async function load(
  flags: GlobalOptions,
  source: ConfigSource = findSource(flags),
  options: Pick<LoadOptions, "allowsUnset"> = {},
): Promise<LoadedConfig> {
  const { loadConfig } = await import("../../config/reading/load.js");
  const { file = {}, isFound, base } = source;
  return loadConfig(file, { overrides: overridesOf(flags), isFound, base, ...options });
}

export interface Unconfirmed {
  file: string;
  servers: readonly ServerConfig[];
  /** JSON pointers of the unconfirmed settings. */
  settings: readonly string[];
  /** Text for the user: the commands of the servers, and for each setting its new value or where it would send data. */
  list: string;
  /** The configuration without the unconfirmed servers and settings. */
  refused: LoadedConfig;
  confirm(): void;
}

/** Parts of the configuration that the user has confirmed so far. A running host passes them when it reads its files again. */
interface Confirmed {
  servers: readonly ServerConfig[];
  /** The last configuration that the user had confirmed completely. */
  loaded?: LoadedConfig;
}

/**
 * Returns the parts of a found file that need the user's confirmation: servers that the file would start, and settings that grant rights.
 * Returns undefined if no part needs it. The user confirms a file once per path and content, at the terminal or with `--trust-project`.
 * Parts that are confirmed and unchanged need no new confirmation. A changed setting keeps its confirmed value until the new value is
 * confirmed.
 */
export async function findUnconfirmed(
  loaded: LoadedConfig,
  { flags, source: { file, isFound } }: { flags: GlobalOptions; source: ConfigSource },
  before: Confirmed = { servers: [] },
): Promise<Unconfirmed | undefined> {
  if (file === undefined || !isFound || flags.trustProject) return undefined;
  const { Confirmations, fingerprint, projectServers, refuse } = await import(
    "../../config/consent/project-servers.js"
  );
  const { describeServer, describeSetting } = await import("../../config/consent/consent-text.js");
  const { grants } = await import("../../config/consent/consent-settings.js");
  const { loadConfig } = await import("../../config/reading/load.js");
  const { keyVariableOf, presets } = await import("../../llm/providers/presets.js");
  const own = (loaded.base ?? loadConfig({}, { overrides: overridesOf(flags) })).config.mcpServers;
  const stateHome = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const confirmations = new Confirmations(join(stateHome, "mcp-platform", "confirmed.json"));
  const presetOf = (name: string) => ({
    ...(Object.hasOwn(presets, name) ? presets[name] : undefined),
    keyVariable: keyVariableOf(name),
  });
  const asked = grants(loaded, presetOf);
  const print = fingerprint(projectServers(loaded, own), asked, loaded);
  const servers = projectServers(loaded, [...own, ...before.servers]);
  const confirmedOf = (old: LoadedConfig) => grants(old, presetOf).map((key) => [key, old.written.get(key)] as const);
  const confirmed = new Map(before.loaded && confirmedOf(before.loaded));
  const isConfirmed = (pointer: string) =>
    confirmed.has(pointer) && isDeepStrictEqual(confirmed.get(pointer), loaded.written.get(pointer));
  const settings = asked.filter((pointer) => !isConfirmed(pointer));
  if (servers.length + settings.length === 0 || confirmations.has(resolve(file), print)) return undefined;
  return {
    file,
    servers,
    settings,
    list: [
      ...servers.map((server) => describeServer(server, loaded)),
      ...settings.map((setting) => describeSetting(setting, loaded, presetOf)),
    ]
      .map(asListed)
      .join(""),
    refused: refuse(loaded, {
      servers,
      settings,
      held: new Map([...confirmed].filter(([pointer]) => settings.includes(pointer))),
      refusal: `the servers of ${file} are not confirmed: pass --trust-project, or --config ${file}`,
    }),
    confirm: () => confirmations.add(resolve(file), print),
  };
}

/**
 * Formats one item of the list, with each fact on its own line. Removes line ends from the facts. Otherwise a text of the file could look
 * like another item of the list.
 */
export function asListed([head = "", ...facts]: readonly string[]): string {
  const inOneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();
  return [`  ${inOneLine(head)}\n`, ...facts.map((fact) => `      ${inOneLine(fact)}\n`)].join("");
}

function overridesOf({ mcpConfig, logLevel }: GlobalOptions) {
  return {
    ...(mcpConfig ? { mcp: { config_file: resolve(mcpConfig) } } : {}),
    ...(logLevel ? { logging: { level: logLevel } } : {}),
  };
}

function usersFile(): string | undefined {
  const file = usersPath();
  return existsSync(file) ? file : undefined;
}

/** Returns the path of the user's own configuration file. The file may not exist. */
export function usersPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "mcp-platform", "config.yaml");
}

/** Returns the location of the file in which changes are written: the configuration file in use, or the user's own file if there is none. */
export function editLocation({ file = usersPath(), isFound }: ConfigSource): ConfigLocation {
  return { path: resolve(file), isFound, ownFolder: dirname(usersPath()) };
}

export const topLevelSettings = ["llm", "mcpServers", "mcp", "chat", "serve", "logging", "telemetry"];
/** Keys that only our configuration has, in lower case and without `_` or `-`. */
const ownSettings = ["llm", "mcpservers", "mcp", "chat"];

/**
 * Returns true if the file is the configuration of another program, since many call theirs `config.yaml`: it has keys at its top level that are no
 * settings of this host, and none that only this host has, in any spelling. A file that cannot be read, or has no keys there, is not foreign:
 * reading it as a configuration reports the mistake.
 */
export function isForeign(path: string): boolean {
  const keys = [...textOf(path).matchAll(/^["']?([\w.-]+)["']?[ \t]*:(?=\s|$)/gm)].map(([, key = ""]) => key);
  return (
    keys.some((key) => !topLevelSettings.includes(key)) &&
    !keys.some((key) => ownSettings.includes(withoutSeparators(key)))
  );
}

function withoutSeparators(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, "");
}

function textOf(path: string): string {
  try {
    return readRegularFile(path) ?? "";
  } catch {
    return "";
  }
}

/** Choice of this process's configuration: flags, the named or found file, and the confirmed part of it. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { LoadedConfig, LoadOptions } from "../config/load.js";
import type { ServerConfig } from "../core/config.js";

/** Flags of every command. */
export interface GlobalOptions {
  config?: string;
  mcpConfig?: string;
  logLevel?: string;
  trustProject?: boolean;
}

export interface ConfigSource {
  /** If undefined, everything is default. */
  file?: string;
  /** True if the user has not named the file and it was found in the working directory, which may be anybody's. */
  isFound: boolean;
  /** The user's own file, below a found one. */
  base?: string;
}

/** Names of a configuration in the working directory; the first that exists counts. */
export const configNames = ["mcp-platform.yaml", "config.yaml"];

export function findSource({ config = process.env.MCP_PLATFORM_CONFIG }: GlobalOptions): ConfigSource {
  if (config !== undefined) return { file: config, isFound: false };
  const found = configNames.find((name) => existsSync(name));
  const own = usersFile();
  if (found === undefined || (own && isSameFile(found, own))) return { file: own, isFound: false };
  return { file: found, isFound: true, base: own };
}

const isSameFile = (one: string, other: string) => realpathSync(one) === realpathSync(other);

/** Returns the same source with files that have appeared since it was found. */
export function findAgain(source: ConfigSource, flags: GlobalOptions): ConfigSource {
  if (source.file === undefined) return findSource(flags);
  const own = source.isFound && source.base === undefined && existsSync(source.file) ? usersFile() : undefined;
  return own === undefined || isSameFile(source.file, own) ? source : { ...source, base: own };
}

/** Returns absolute paths of missing files that `findAgain` looks for. */
export function missingFiles({ file, isFound, base }: ConfigSource): string[] {
  if (file === undefined) return [...configNames.map((name) => resolve(name)), usersPath()];
  return isFound && base === undefined ? [usersPath()] : [];
}

/** Loads the configuration from flags, environment and file. Throws ConfigError. */
export async function load(
  flags: GlobalOptions,
  source: ConfigSource = findSource(flags),
  options: Pick<LoadOptions, "allowsUnset"> = {},
): Promise<LoadedConfig> {
  const { loadConfig } = await import("../config/load.js");
  const { file = {}, isFound, base } = source;
  return loadConfig(file, { overrides: overridesOf(flags), isFound, base, ...options });
}

export interface Unconfirmed {
  file: string;
  servers: readonly ServerConfig[];
  /** Pointers of the settings. */
  settings: readonly string[];
  /** Description of what would run, be set, or be sent where. */
  list: string;
  /** The same configuration without them. */
  refused: LoadedConfig;
  confirm(): void;
}

/** Confirmed state of a host that reads the files again. */
interface Confirmed {
  servers: readonly ServerConfig[];
  /** The last configuration that left nothing to confirm. */
  loaded?: LoadedConfig;
}

/**
 * Returns what the user has to confirm before a found file starts servers or grants rights. The user confirms once per path and content, at
 * the terminal or by the flag. Returns undefined if nothing is left to confirm. Confirmed and unchanged parts need no new confirmation; a
 * changed setting keeps its confirmed value until then.
 */
export async function findUnconfirmed(
  loaded: LoadedConfig,
  { flags, source: { file, isFound } }: { flags: GlobalOptions; source: ConfigSource },
  before: Confirmed = { servers: [] },
): Promise<Unconfirmed | undefined> {
  if (file === undefined || !isFound || flags.trustProject) return undefined;
  const { Confirmations, fingerprint, projectServers, refuse } = await import("../config/project-servers.js");
  const { describeServer, describeSetting } = await import("../config/consent-text.js");
  const { grants } = await import("../config/grants.js");
  const { loadConfig } = await import("../config/load.js");
  const { keyVariableOf, PRESETS } = await import("../llm/providers/presets.js");
  const own = (loaded.base ?? loadConfig({}, { overrides: overridesOf(flags) })).config.mcpServers;
  const stateHome = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const confirmations = new Confirmations(join(stateHome, "mcp-platform", "confirmed.json"));
  const presetOf = (name: string) => ({
    ...(Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined),
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
      refusal: `nobody has confirmed the servers of ${file} (pass --trust-project, or --config ${file})`,
    }),
    confirm: () => confirmations.add(resolve(file), print),
  };
}

/** Formats an item of the list. A text from the file may hold line ends and must not pass for a line of its own. */
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

/** Returns the path of the user's own configuration, which may not exist. */
export function usersPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "mcp-platform", "config.yaml");
}

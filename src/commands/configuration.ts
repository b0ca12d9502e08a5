/** Which configuration this process runs by: flags, the file they name or the one that was found, and what of it is confirmed. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { LoadedConfig, LoadOptions } from "../config/load.js";
import type { ServerConfig } from "../core/config.js";

/** The flags that every command takes. */
export interface GlobalOptions {
  config?: string;
  mcpConfig?: string;
  logLevel?: string;
  trustProject?: boolean;
}

export interface ConfigSource {
  /** Without one, everything is default. */
  file?: string;
  /** It lies in the working directory, which may be anybody's, and the user has not named it. */
  isFound: boolean;
  /** The user's own, which a found one is laid over. */
  base?: string;
}

/** Of a configuration in the working directory; the first that is there counts. */
export const configNames = ["mcp-platform.yaml", "config.yaml"];

export function findSource({ config = process.env.MCP_PLATFORM_CONFIG }: GlobalOptions): ConfigSource {
  if (config !== undefined) return { file: config, isFound: false };
  const found = configNames.find((name) => existsSync(name));
  const own = usersFile();
  if (found === undefined || (own && realpathSync(found) === realpathSync(own))) return { file: own, isFound: false };
  return { file: found, isFound: true, base: own };
}

/** The configuration that flags, environment and file make. Throws ConfigError. */
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
  /** Names of the keys, as people write them. */
  settings: readonly string[];
  /** In words: what would run, what would be set, what would be sent where. */
  list: string;
  /** The same configuration without them. */
  refused: LoadedConfig;
  confirm(): void;
}

/**
 * A file that the user has not named, but that was found here, starts servers and gives rights away when he has said so: once
 * for each path and content, at the terminal or by the flag. Undefined when nothing is left to confirm; `running` are the
 * servers that were.
 */
export async function findUnconfirmed(
  loaded: LoadedConfig,
  { flags, source: { file, isFound } }: { flags: GlobalOptions; source: ConfigSource },
  running: readonly ServerConfig[] = [],
): Promise<Unconfirmed | undefined> {
  if (file === undefined || !isFound || flags.trustProject) return undefined;
  const { Confirmations, fingerprint, projectServers, refuse } = await import("../config/project-servers.js");
  const { describeServer, describeSetting } = await import("../config/consent-text.js");
  const { grants } = await import("../config/grants.js");
  const { keyPath } = await import("../core/tree.js");
  const { loadConfig } = await import("../config/load.js");
  const { keyVariableOf, PRESETS } = await import("../llm/presets.js");
  const own = (loaded.base ?? loadConfig({}, { overrides: overridesOf(flags) })).config.mcpServers;
  const stateHome = process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const confirmations = new Confirmations(join(stateHome, "mcp-platform", "confirmed.json"));
  const presetOf = (name: string) => ({
    ...(Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined),
    keyVariable: keyVariableOf(name),
  });
  const settings = grants(loaded, presetOf);
  const print = fingerprint(projectServers(loaded, own), settings, loaded);
  const servers = projectServers(loaded, [...own, ...running]);
  if (servers.length + settings.length === 0 || confirmations.has(resolve(file), print)) return undefined;
  return {
    file,
    servers,
    settings: settings.map(keyPath),
    list: [
      ...servers.map((server) => describeServer(server, loaded)),
      ...settings.map((setting) => describeSetting(setting, loaded, presetOf)),
    ]
      .map(asListed)
      .join(""),
    refused: refuse(loaded, {
      servers,
      settings,
      refusal: `nobody has confirmed the servers of ${file} (pass --trust-project, or --config ${file})`,
    }),
    confirm: () => confirmations.add(resolve(file), print),
  };
}

/** What the file says may hold line ends, and none of it may pass for a line of its own. */
function asListed([head = "", ...facts]: readonly string[]): string {
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

/** Where the user's own configuration is, or would be. */
export function usersPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "mcp-platform", "config.yaml");
}

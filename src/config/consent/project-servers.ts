/**
 * Handles the servers of a configuration that was found in the working directory. Somebody else may have written it, and starting its
 * servers runs code.
 */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../../core/config.js";
import { child, scalarsIn, valueAt } from "../../core/source/tree.js";
import type { LoadedConfig } from "../reading/load.js";
import { isHarmless } from "./consent-settings.js";
import { readState, writeState } from "./state-file.js";

/** Returns the enabled servers, without those that are identical to one of the user's own servers. */
export function projectServers({ config }: LoadedConfig, own: readonly ServerConfig[]): ServerConfig[] {
  return config.mcpServers.filter((server) => server.enabled && !own.some((mine) => isSame(mine, server)));
}

/** Whether another server has the same URL is not a setting of the server itself. */
function isSame(one: ServerConfig, other: ServerConfig): boolean {
  return isDeepStrictEqual({ ...one, sharesUrl: undefined }, { ...other, sharesUrl: undefined });
}

/**
 * Returns a hash of these servers and settings, by which a later change is noticed. `settings` are pointers. Values that need no
 * confirmation (`isHarmless`) are not part of the hash. Placeholders are hashed as they are written, without their values. Paths are made
 * absolute before they are hashed, and an `env_file` is hashed by its content.
 */
export function fingerprint(
  servers: readonly ServerConfig[],
  settings: readonly string[],
  loaded: LoadedConfig,
): string {
  const pointers = new Set(servers.map(({ name }) => child("/mcpServers", name)));
  const asked = new Set(settings);
  const isMeant = ([pointer]: readonly [string, unknown]) =>
    asked.has(pointer) || (pointers.has(pointer.split("/", 3).join("/")) && !isHarmless(pointer));
  const read = [...pointers]
    .flatMap((pointer) => scalarsIn(valueAt(loaded.tree, pointer), pointer))
    .filter(([pointer]) => loaded.variablesOf(pointer).length === 0);
  const replaced = servers.filter(({ name }) => loaded.base?.config.mcpServers.some((own) => own.name === name));
  const facts = [...[...loaded.written, ...read].filter(isMeant), ...replaced.map(({ name }) => ["replaced", name])];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

interface RefusedSettings {
  servers: readonly ServerConfig[];
  settings: readonly string[];
  /** Values that the user confirmed earlier, and that stay in effect. The key is the JSON pointer of the setting. */
  held?: ReadonlyMap<string, unknown>;
  refusal: string;
}

/**
 * Returns the configuration without the refused settings and servers. If the user's own configuration has a server with the name of a
 * refused server, that server is used. Otherwise the refused server stays in the list, marked with the reason for the refusal.
 */
export function refuse(loaded: LoadedConfig, { servers, settings, held, refusal }: RefusedSettings): LoadedConfig {
  const rest = loaded.without([...settings, ...servers.map(({ name }) => child("/mcpServers", name))], held);
  const own = new Map(rest.config.mcpServers.map((server) => [server.name, server]));
  const refused = new Set(servers);
  const mcpServers = loaded.config.mcpServers.map((server) =>
    refused.has(server) ? (own.get(server.name) ?? { ...server, refusal }) : server,
  );
  return { ...rest, config: { ...rest.config, mcpServers } };
}

/** The configurations that the user has confirmed. For each file, stores its path and the fingerprint of its servers and settings. */
export class Confirmations {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  has(configPath: string, print: string): boolean {
    return this.#all()[configPath] === print;
  }

  add(configPath: string, print: string): void {
    writeState(this.#path, { ...this.#all(), [configPath]: print });
  }

  #all(): Record<string, unknown> {
    return readState(this.#path) ?? {}; // if the file is missing or unreadable, the user is asked again
  }
}

/** Servers of a configuration that was merely found in the working directory: starting one runs code that somebody else chose. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ServerConfig } from "../core/config.js";
import { child, scalarsIn, valueAt } from "../core/tree.js";
import { isHarmless } from "./grants.js";
import type { LoadedConfig } from "./load.js";
import { readState, writeState } from "./state-file.js";

/** Those that would be started and that are not among the user's own. */
export function projectServers({ config }: LoadedConfig, own: readonly ServerConfig[]): ServerConfig[] {
  return config.mcpServers.filter((server) => server.enabled && !own.some((mine) => isDeepStrictEqual(mine, server)));
}

/**
 * Of all that these servers and settings (by pointer) say and that is not harmless. Placeholders count as they are written,
 * the secrets that they stand for do not; paths count as absolute ones, and what a server's `env_file` says.
 */
export function fingerprint(
  servers: readonly ServerConfig[],
  settings: readonly string[],
  loaded: LoadedConfig,
): string {
  const places = servers.map(({ name }) => child("/mcpServers", name));
  const isMeant = ([pointer]: readonly [string, unknown]) =>
    settings.includes(pointer) || (places.some((place) => pointer.startsWith(`${place}/`)) && !isHarmless(pointer));
  const read = places
    .flatMap((place) => scalarsIn(valueAt(loaded.tree, place), place))
    .filter(([pointer]) => loaded.variablesOf(pointer).length === 0);
  const replaced = servers.filter(({ name }) => loaded.base?.config.mcpServers.some((own) => own.name === name));
  const facts = [...[...loaded.written, ...read].filter(isMeant), ...replaced.map(({ name }) => ["replaced", name])];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

interface Refused {
  servers: readonly ServerConfig[];
  /** By pointer. */
  settings: readonly string[];
  /** The values of settings that stay as they were confirmed, by pointer. */
  held?: ReadonlyMap<string, unknown>;
  refusal: string;
}

/**
 * The configuration without these settings and servers. In the place of a server comes the user's own of that name, or one that
 * says why it is not there.
 */
export function refuse(loaded: LoadedConfig, { servers, settings, held, refusal }: Refused): LoadedConfig {
  const rest = loaded.without([...settings, ...servers.map(({ name }) => child("/mcpServers", name))], held);
  const own = new Map(rest.config.mcpServers.map((server) => [server.name, server]));
  const mcpServers = loaded.config.mcpServers.map((server) =>
    servers.includes(server) ? (own.get(server.name) ?? { ...server, refusal }) : server,
  );
  return { ...rest, config: { ...rest.config, mcpServers } };
}

/** What the user has confirmed: by the path of the configuration, the fingerprint of its servers and settings. */
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
    return readState(this.#path) ?? {}; // none yet, or one that cannot be read: then the user is asked again
  }
}

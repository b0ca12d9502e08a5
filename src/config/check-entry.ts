/** Checks of one entry of `mcpServers`, before it is written to a file. */
import type { Environment } from "../core/environment.js";
import { ConfigError } from "../core/errors.js";
import type { Mapping } from "../core/tree.js";
import { inlineSecrets, looksSecret } from "./inline-secrets.js";
import { loadConfig } from "./load.js";

export interface EntryPlace {
  env: Environment;
  /** Absolute folder for relative paths in the entry. */
  folder: string;
}

/** Returns what keeps a configuration with this entry from loading. The variables of a disabled entry do not count. */
export function entryProblems(name: string, entry: Mapping, { env, folder }: EntryPlace): string | undefined {
  // Variables that override the configuration have nothing to do with the entry.
  const own = Object.fromEntries(Object.entries(env).filter(([key]) => !/^MCP_PLATFORM_.*__/.test(key)));
  try {
    loadConfig({ mcpServers: { [name]: entry } }, { env: own, cwd: folder });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const prefix = `mcpServers.${name}`;
    const facts = error.problems.map(({ path, message }) => {
      const key = path.startsWith(prefix) ? path.slice(prefix.length).replace(/^\./, "") : path;
      return key ? `${key}: ${message}` : message;
    });
    return facts.join("; ");
  }
}

/** Returns true if the entry holds a secret. `entry` must be valid. */
export function holdsSecret(name: string, entry: Mapping): boolean {
  return looksSecret(entry) || inlineSecrets(name, entry).length > 0;
}

/** Checks an entry of `mcpServers` before it is written to a file. */

import type { Environment } from "../../core/environment.js";
import { ConfigError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { inlineSecrets, looksSecret } from "../reading/inline-secrets.js";
import { loadConfig } from "../reading/load.js";

export interface EntryContext {
  env: Environment;
  /** Absolute path of the folder to which relative paths in the entry refer. */
  folder: string;
}

/**
 * Checks whether a configuration with this entry could be loaded. Returns the problems as one text, or undefined if there are none. In a
 * disabled entry, variables may be unset.
 */
export function entryProblems(name: string, entry: JsonObject, { env, folder }: EntryContext): string | undefined {
  // Variables that override settings (`MCP_PLATFORM_…`) are left out, because they do not concern the entry.
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

/** Returns true if the entry contains a secret in plain text. `entry` must be valid. */
export function holdsSecret(name: string, entry: JsonObject): boolean {
  return looksSecret(entry) || inlineSecrets(name, entry).length > 0;
}

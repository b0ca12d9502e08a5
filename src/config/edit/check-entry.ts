/** Checks of one entry of `mcpServers`, before it is written to a file. */

import type { Environment } from "../../core/environment.js";
import { ConfigError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { inlineSecrets, looksSecret } from "../reading/inline-secrets.js";
import { loadConfig } from "../reading/load.js";

export interface EntryPlace {
  env: Environment;
  /** Absolute path of the folder to which relative paths in the entry refer. */
  folder: string;
}

/** Returns why a configuration with this entry would not load, or undefined if it would. Variables of a disabled entry may be unset. */
export function entryProblems(name: string, entry: JsonObject, { env, folder }: EntryPlace): string | undefined {
  // Without the variables that override the configuration, because they do not concern the entry.
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

/** Returns true if the entry holds a secret in plain text. `entry` must be valid. */
export function holdsSecret(name: string, entry: JsonObject): boolean {
  return looksSecret(entry) || inlineSecrets(name, entry).length > 0;
}

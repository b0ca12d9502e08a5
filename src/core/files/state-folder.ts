import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "../environment.js";

/**
 * Returns the folder in which the user's hosts keep files of the kind `name`, such as `server-logs`. Configuration and event log are
 * elsewhere.
 */
export function stateFolder(env: Environment, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

/**
 * Returns the folder if it exists, otherwise its nearest parent that exists. If the path exists but is not a folder, returns the path
 * unchanged.
 */
export function existingFolder(path: string): string {
  const above = dirname(path);
  return existsSync(path) || above === path ? path : existingFolder(above);
}

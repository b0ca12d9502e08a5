import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "../environment.js";

/** Returns the folder for files that the user's hosts keep, other than configuration and event log. */
export function stateFolder(env: Environment, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

/** Returns the folder if it exists, otherwise the nearest existing parent. A path that exists but is not a folder is returned unchanged. */
export function existingFolder(path: string): string {
  const above = dirname(path);
  return existsSync(path) || above === path ? path : existingFolder(above);
}

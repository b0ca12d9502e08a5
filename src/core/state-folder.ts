import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "./environment.js";

/** Returns the folder for what the user's hosts keep besides configuration and event log. */
export function stateFolder(env: Environment, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

/** Returns the folder, or its nearest existing parent, in which it could be created. Returns an existing non-folder unchanged. */
export function existingFolder(path: string): string {
  const above = dirname(path);
  return existsSync(path) || above === path ? path : existingFolder(above);
}

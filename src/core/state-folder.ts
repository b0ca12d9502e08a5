import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "./environment.js";

/** Where the hosts of a user keep what is neither configuration nor log of conversations. */
export function stateFolder(env: Environment, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

/** The folder itself, or the nearest one above it: where something of its kind could be made. What is no folder stays. */
export function existingFolder(path: string): string {
  const above = dirname(path);
  return existsSync(path) || above === path ? path : existingFolder(above);
}

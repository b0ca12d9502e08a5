import { homedir } from "node:os";
import { join } from "node:path";

/** Where the hosts of a user keep what is neither configuration nor log of conversations. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const home = env.HOME || homedir();
  return join(env.XDG_STATE_HOME || join(home, ".local", "state"), "mcp-platform", name);
}

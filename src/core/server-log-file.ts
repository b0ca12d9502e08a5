import { createHash } from "node:crypto";
import { join } from "node:path";

const maxNameChars = 120;

/** Where all hosts of a user keep what this server says beside its answers, below `stateFolder(env, "server-logs")`. The file that is written; the one before it has `.1` behind its name. */
export function serverLogFile(folder: string, server: string): string {
  const name = encodeURIComponent(server).replace(/^\./, "%2E");
  const hash = createHash("sha256").update(server).digest("hex");
  return join(folder, `${name.length > maxNameChars ? hash : name}.log`);
}

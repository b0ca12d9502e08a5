import { createHash } from "node:crypto";
import { join } from "node:path";

const maxNameChars = 120;

/**
 * Returns the file, below `stateFolder(env, "server-logs")`, in which all hosts of a user keep the server's log output. The previous file
 * ends in `.1`.
 */
export function serverLogFile(folder: string, server: string): string {
  return join(folder, `${serverFileName(server)}.log`);
}

/** Returns a name for files and folders of the server, without separators. */
export function serverFileName(server: string): string {
  const name = encodeURIComponent(server).replace(/^\./, "%2E");
  return name.length > maxNameChars ? createHash("sha256").update(server).digest("hex") : name;
}

import { createHash } from "node:crypto";
import { join } from "node:path";

const maxNameChars = 120;

/**
 * Returns the path of the file for the server's log output, which all hosts of a user share. It is below `stateFolder(env, "server-logs")`.
 * The previous log file has the same path with `.1` at the end.
 */
export function serverLogFile(folder: string, server: string): string {
  return join(folder, `${serverFileName(server)}.log`);
}

/** Returns the server's name in a form for files and folders, without path separators. */
export function serverFileName(server: string): string {
  const name = encodeURIComponent(server).replace(/^\./, "%2E");
  return name.length > maxNameChars ? createHash("sha256").update(server).digest("hex") : name;
}

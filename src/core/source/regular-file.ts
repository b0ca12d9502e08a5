import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/**
 * Returns the text of a file, or undefined for a pipe or a device. Opens the file without waiting for a writer. Checks the file after
 * opening it, so that nobody can exchange the file between the check and the read.
 */
export function readRegularFile(path: string): string | undefined {
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
  try {
    const stats = fstatSync(file, { bigint: true });
    return stats.isFile() || stats.isDirectory() ? readFileSync(file, "utf8") : undefined;
  } finally {
    closeSync(file);
  }
}

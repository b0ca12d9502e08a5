import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Replaces the whole file, or leaves the old one as it is; the new one survives a power cut. A link stays a link. The mode of a file stays
 * the same unless `mode` is given. Only the user can read a new file. Throws errors of the file system.
 */
export function replaceFile(path: string, text: string, mode?: number): void {
  const target = realPath(path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const draft = `${target}.${process.pid}.tmp`;
  try {
    const file = openSync(draft, "w", 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    chmodSync(draft, mode ?? fileModeOf(target) ?? 0o600);
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Returns the permission bits of a file, or undefined if it does not exist. */
export function fileModeOf(path: string): number | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && found.mode & 0o777;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

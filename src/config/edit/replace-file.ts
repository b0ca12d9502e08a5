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
 * Replaces a file as a whole. If that fails, the old file stays unchanged. The new content survives a power cut. If the path is a link, the
 * link stays and its target is replaced. The file keeps its mode unless `mode` is given. A file that did not exist is created so that only
 * the user can read it. Throws errors of the file system.
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

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes the pieces to a file that only the user can read. The file gets its name when all pieces are written: before that it is a draft
 * with the end `.part`, which is removed if a piece fails. So the file is never a part that looks like the whole. Something that is not a
 * regular file, such as a pipe, is written to directly. `isNew`: rejects with EEXIST if the file exists, before it asks for a piece.
 */
export async function writeWhole(
  path: string,
  pieces: AsyncIterable<string>,
  { isNew = false }: { isNew?: boolean } = {},
): Promise<void> {
  if (isNew) await (await open(path, "wx", 0o600)).close(); // reserves the name
  const isRegular = (await stat(path).catch(() => undefined))?.isFile() ?? true;
  const draft = isRegular ? `${path}.${process.pid}.part` : path;
  try {
    await writePieces(draft, pieces);
    if (isRegular) await rename(draft, path);
  } catch (error) {
    if (isRegular) await rm(draft, { force: true });
    if (isNew) await rm(path, { force: true });
    throw error;
  }
}

async function writePieces(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    for await (const piece of pieces) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

/** Writes the file atomically. Only the user can read it. Throws errors of the file system. */
export function writePrivately(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** A lock between processes. The lock is a file. The process that created the file holds the lock. */

import { randomUUID } from "node:crypto";
import { link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { asObject, isPlainObject, parseJson } from "../json.js";
import { thisMachine } from "./this-machine.js";

const pollMs = 50;
/** Age in ms from which a lock of another machine or container counts as abandoned. No process works that long while it holds the lock. */
const staleMs = 90_000;

/**
 * Ids of the locks that this process holds. A lock file with this pid but an unknown id was left by an earlier process with the same pid.
 */
const held = new Set<string>();

/** Runs the work while this process holds the lock. Waits until the lock is free, and takes over the lock of a process that died. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const id = randomUUID();
  const ours = JSON.stringify({ id, pid: process.pid, machine: thisMachine() });
  held.add(id);
  try {
    while (!(await create(path, ours))) if (!(await removeAbandoned(path))) await sleep(pollMs);
    return await work();
  } finally {
    held.delete(id);
    if ((await contentOf(path)) === ours) await rm(path, { force: true });
  }
}

async function create(path: string, content: string): Promise<boolean> {
  // The content is written before the file gets its final path, so that a lock file always names its holder.
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content, { mode: 0o600, flag: "wx" });
  try {
    return await created(link(draft, path)).catch(() => {
      // The file system has no hard links (FAT, a shared folder of a virtual machine).
      return created(writeFile(path, content, { mode: 0o600, flag: "wx" }));
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** Resolves with false if the file exists already. */
async function created(creating: Promise<void>): Promise<boolean> {
  try {
    await creating;
    return true;
  } catch (error) {
    if (isPlainObject(error) && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock if its holder no longer runs. Resolves with true if the caller should try at once to get the lock. The removal itself
 * runs under a second lock. Otherwise two processes could remove the lock at the same time, and one of them could delete the lock of a new
 * holder.
 */
async function removeAbandoned(path: string): Promise<boolean> {
  const content = await contentOf(path);
  if (content === undefined) return true;
  if (!(await isAbandoned(path, content))) return false;
  await withFileLock(`${path}.removal`, async () => {
    if ((await contentOf(path)) === content) await rm(path, { force: true });
  });
  return true;
}

async function isAbandoned(path: string, content: string): Promise<boolean> {
  const { id, pid, machine } = asObject(parseJson(content)) ?? {};
  if (machine === thisMachine() && typeof pid === "number") {
    return pid === process.pid ? !held.has(String(id)) : !isRunning(pid);
  }
  const lock = await stat(path).catch(() => undefined);
  return lock !== undefined && Date.now() - lock.mtimeMs > staleMs;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isPlainObject(error) && error.code === "EPERM";
  }
}

/** Resolves with undefined if there is no lock. Rejects if the path cannot be a lock, for example a folder. */
async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (isPlainObject(error) && error.code === "ENOENT") return undefined;
    throw error;
  });
}

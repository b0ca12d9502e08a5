/** A lock between processes, as a file: whoever created it holds it. */
import { randomUUID } from "node:crypto";
import { link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isRecord, parseJson } from "../json.js";

const pollMs = 50;
/** No work under the lock takes so long: a holder on another machine, of which nothing else is known, is gone. */
const staleMs = 90_000;

/** Locks of this process. One that has its number and is not in here is left over from an earlier process with the same. */
const held = new Set<string>();

/** Runs the work while nobody else holds the lock. That of a process that died is taken over. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const id = randomUUID();
  const ours = JSON.stringify({ id, pid: process.pid, machine: hostname() });
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
  // Written before it is there under its name: nobody sees a lock that does not say whose it is.
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content, { mode: 0o600, flag: "wx" });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (isRecord(error) && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether it is worth trying again at once. Whoever removes locks holds one for that: it never meets the lock that came after. */
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
  const parsed = parseJson(content);
  const { id, pid, machine } = "value" in parsed && isRecord(parsed.value) ? parsed.value : {};
  if (machine === hostname() && typeof pid === "number") {
    return pid === process.pid ? !held.has(String(id)) : !isRunning(pid);
  }
  const lock = await stat(path).catch(() => undefined);
  return lock !== undefined && Date.now() - lock.mtimeMs > staleMs;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return isRecord(error) && error.code === "EPERM";
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

import { closeSync, mkdirSync, openSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import { type Connection, connect, inMemory } from "./connection.js";
import { checkAfterCrash } from "./crash-check.js";
import { whileLocked } from "./file-access.js";
import { migrate } from "./migrate.js";

/** The first version without the bug by which several connections can corrupt a file: https://www.sqlite.org/wal.html#walresetbug */
const safeSqliteVersion = "3.51.3";
/**
 * Magic numbers of NFS, SMB and CIFS in Linux. Locks on these file systems are unreliable: https://www.sqlite.org/howtocorrupt.html (2.1)
 */
const networkFileSystems: readonly number[] = [0x6969, 0x517b, 0xff534d42, 0xfe534d42];

/**
 * Page size of a new file, in bytes. SQLite stores only whole events in a page, so smaller pages waste more of the file: with 2 KB, an event
 * that is a little larger than 1,000 bytes takes 2,050 bytes. SQLite also writes whole pages: with 8 KB, a request costs 20 % more
 * (`scripts/bench/store.mjs`).
 */
const pageSize = 4096;
/**
 * Number of pages in the WAL file after which they are written to the main file. With a high number, a page that changes often is written
 * less often. With half of this number, the default of SQLite, a step of a turn costs 5 % more. Without `isFull`, a power cut may lose
 * the pages in the WAL file.
 */
const checkpointPages = 2_000;
/**
 * Number of pages that are cached in memory. It equals `checkpointPages`, so that pages that were written recently are not read again. With
 * 2,000 KB, the default of SQLite, a step of a turn costs the host 3 to 4 % more. With twice as many pages, it costs the same.
 */
const cachedPages = checkpointPages;

export interface DatabaseOptions {
  busyTimeoutMs: number;
  /** True if acknowledged events must also survive a power cut. Storing then costs several times as much. */
  isFull?: boolean;
  now: () => number;
  observe: Observe;
  /** Identity of this machine, and the time of its start: see `checkAfterCrash`. Tests set them. */
  machine?: string;
  bootedAt?: number;
}

/**
 * Opens the file, or a log in memory, and migrates it. Creates the file if it is missing. Rejects with StoreError or an error of the driver.
 */
export async function openDatabase(path: string, options: DatabaseOptions): Promise<Connection> {
  if (path !== inMemory) createPrivately(path);
  const db = await connect(path);
  try {
    await (path === inMemory ? migrate(db, path, options.now) : prepareFile(db, path, options));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

async function prepareFile(
  db: Connection,
  path: string,
  { busyTimeoutMs, isFull = false, now, observe, ...boot }: DatabaseOptions,
): Promise<void> {
  // This is set first. Otherwise opening would fail at once while another process recovers the file.
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  db.exec(`PRAGMA page_size = ${pageSize}`);
  await migrate(db, path, now);
  const journal = await toWal(db, busyTimeoutMs);
  db.exec(`PRAGMA synchronous = ${isFull ? "FULL" : "NORMAL"}`);
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  db.exec(`PRAGMA cache_size = ${cachedPages}`);
  const warn = (message: string, fields: Record<string, unknown>) =>
    observe({ level: "warn", scope: "history", message, fields: { path, ...fields } });
  if (journal.journal_mode !== "wal") warn("its file system does not support WAL, so the event log is slower", journal);
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  if (version.localeCompare(safeSqliteVersion, "en", { numeric: true }) < 0) {
    warn(`SQLite is older than ${safeSqliteVersion}: use the event log from one process at a time`, { version });
  }
  await checkAfterCrash(db, { ...boot, path, busyTimeoutMs, now });
  // From now on, `FileAccess` waits for the lock. Without WAL, reads need the lock, too, and SQLite goes on waiting for it.
  if (journal.journal_mode === "wal") db.exec("PRAGMA busy_timeout = 0");
}

/**
 * Switches the file to WAL mode, if its file system supports that. Returns the resulting mode. Retries while the file is locked, because
 * `busy_timeout` does not help here: while another host creates the file, SQLite reports the lock at once. (Only one connection can change
 * the mode, and a connection that has begun to read does not wait for a writer.) Rejects with errors of the driver.
 */
export function toWal(db: Connection, patienceMs: number): Promise<{ journal_mode: string }> {
  const switched = () => db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
  return whileLocked(switched, performance.now() + patienceMs);
}

/**
 * Creates a missing log that only the user can read: folder 0700, file 0600. SQLite gives its other files the same mode. An existing file
 * is not opened here, because closing it would drop the locks of this process's other connections: https://www.sqlite.org/howtocorrupt.html
 * (2.2).
 */
function createPrivately(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.platform === "linux" && networkFileSystems.includes(statfsSync(folder).type)) {
    throw new StoreError("open", `${path} is on a network file system, where the event log would be damaged`, {
      hint: "set chat.storage.path to a local disk",
    });
  }
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

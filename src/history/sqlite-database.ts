import { closeSync, mkdirSync, openSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import { type Connection, connect } from "./connection.js";
import { migrate } from "./migrate.js";
import type { ReaderData } from "./reader-worker.js";
import { SqliteReader } from "./sqlite-reader.js";
import { toWal } from "./wal.js";

/** Older versions can corrupt a file that several connections write: https://www.sqlite.org/wal.html#walresetbug */
const safeSqliteVersion = "3.51.3";
/** Linux magic numbers of NFS, SMB and CIFS, whose locks are unreliable. https://www.sqlite.org/howtocorrupt.html (2.1) */
const networkFileSystems: readonly number[] = [0x6969, 0x517b, 0xff534d42, 0xfe534d42];

/**
 * Page size of a new file, in bytes. An event is smaller, but its whole page is read, checksummed and copied. With SQLite's 4 KB a step of
 * a turn costs the host up to 5 % more; results of 30 KB cost the same.
 */
const pageSize = 2048;
/**
 * Pages in the WAL file before they are written to the log's file, which saves writing a page several times. With a quarter of it, SQLite's
 * default, a step costs 5 % more. Without `isFull` a power cut may lose these pages.
 */
const checkpointPages = 4_000;
/**
 * Pages of the file in memory: as many as the WAL file holds, so that recent pages are not read again. With SQLite's 2,000 KB a hop costs
 * the host 3 to 4 % more; with twice as many pages it costs the same.
 */
const cachedPages = checkpointPages;

/** Silence after which a host may have crashed: hosts send a heartbeat every few seconds. */
const silentMs = 30_000;

interface DatabaseOptions {
  busyTimeoutMs: number;
  isFull?: boolean;
  now: () => number;
  observe: Observe;
}

/** Opens the file, creates it if missing, and migrates it. Throws StoreError, and what the driver throws. */
export async function openDatabase(
  path: string,
  { busyTimeoutMs, isFull = false, now, observe }: DatabaseOptions,
): Promise<Connection> {
  createPrivately(path);
  const db = await connect(path);
  try {
    // First: without it, opening fails at once while another process recovers the file.
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    db.exec(`PRAGMA page_size = ${pageSize}`);
    await migrate(db, path, now);
    const journal = await toWal(db, busyTimeoutMs);
    db.exec(`PRAGMA synchronous = ${isFull ? "FULL" : "NORMAL"}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    db.exec(`PRAGMA cache_size = ${cachedPages}`);
    const warn = (message: string, fields: Record<string, unknown>) =>
      observe({ level: "warn", scope: "history", message, fields: { path, ...fields } });
    if (journal.journal_mode !== "wal") warn("its file system does not support WAL: the event log is slower", journal);
    const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
    if (version.localeCompare(safeSqliteVersion, "en", { numeric: true }) < 0) {
      warn(`SQLite is older than ${safeSqliteVersion}: use the event log from one process at a time`, { version });
    }
    await checkAfterCrash(db, { path, busyTimeoutMs, now });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Checks the file if a host did not leave and has been silent for a while: its machine may have crashed. */
async function checkAfterCrash(
  db: Connection,
  { path, busyTimeoutMs, now }: ReaderData & { now: () => number },
): Promise<void> {
  const { seenAt } = db.prepare(`SELECT min(seen_at) AS "seenAt" FROM nodes`).get() as { seenAt: number | null };
  if (seenAt === null || seenAt > now() - silentMs) return;
  const reader = new SqliteReader({ path, busyTimeoutMs });
  const checking = reader.rows<{ quick_check: string }>("PRAGMA quick_check(1)");
  const [found] = await checking.finally(() => reader.close());
  if (found?.quick_check === "ok") return;
  throw new StoreError("corrupt", `the event log ${path} is damaged: ${found?.quick_check}`, {
    hint: `move it aside (mv "${path}" "${path}.broken") and start again; what is whole in it can be read with sqlite3's .recover`,
  });
}

/**
 * Creates a missing log with private permissions: folder 0700, file 0600 (SQLite gives its side files the same). Does not open an existing
 * file, because closing it would drop the locks of this process's other connections: https://www.sqlite.org/howtocorrupt.html (2.2).
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

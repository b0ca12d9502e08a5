import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Observe } from "../core/ports.js";
import { type Connection, connect } from "./connection.js";
import { migrate } from "./migrations.js";

/** Older ones can corrupt a file that several connections write: https://www.sqlite.org/wal.html#walresetbug */
const safeSqliteVersion = "3.51.3";

/** A connection to the file, made if missing, at our schema. */
export async function openDatabase(path: string, busyTimeoutMs: number, observe: Observe): Promise<Connection> {
  createPrivately(path);
  const db = await connect(path);
  try {
    // First of all: without it, opening while another process recovers the file fails at once.
    db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    migrate(db, path);
    const journal = db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    db.exec("PRAGMA synchronous = NORMAL");
    const warn = (message: string, fields: Record<string, unknown>) =>
      observe({ level: "warn", scope: "history", message, fields: { path, ...fields } });
    if (journal.journal_mode !== "wal") warn("its file system does not support WAL: the event log is slower", journal);
    const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
    if (version.localeCompare(safeSqliteVersion, "en", { numeric: true }) < 0) {
      warn(`SQLite is older than ${safeSqliteVersion}: use the event log from one process at a time`, { version });
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * The log holds conversations: folder 0700, file 0600 (SQLite gives its side files the same). An existing file is not opened
 * here, because closing it would drop the locks of every other connection of this process: https://www.sqlite.org/howtocorrupt.html (2.2).
 */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

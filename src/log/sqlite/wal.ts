import type { Connection } from "./connection.js";
import { whileLocked } from "./file-access.js";

/**
 * Switches the file to WAL mode, if its file system supports that. Returns the resulting mode. Retries while the file is locked, because
 * `busy_timeout` does not help here: while another host creates the file, SQLite reports the lock at once. (Only one connection can change
 * the mode, and a connection that has begun to read does not wait for a writer.) Rejects with errors of the driver.
 */
export function toWal(db: Connection, patienceMs: number): Promise<{ journal_mode: string }> {
  const switched = () => db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
  return whileLocked(switched, performance.now() + patienceMs);
}

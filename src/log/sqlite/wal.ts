import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./connection.js";
import { isLocked } from "./store-errors.js";

const retryMs = 5;

/**
 * Switches the file to WAL mode, if its file system supports that. Returns the resulting mode. Retries while the file is locked, because
 * `busy_timeout` does not help here: while another host creates the file, SQLite reports the lock at once. (Only one connection can change
 * the mode, and a connection that has begun to read does not wait for a writer.) Rejects with errors of the driver.
 */
export async function toWal(db: Connection, patienceMs: number): Promise<{ journal_mode: string }> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    } catch (error) {
      if (!isLocked(error) || performance.now() > until) throw error;
    }
    await sleep(retryMs);
  }
}

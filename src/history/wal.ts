import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./connection.js";
import { isLocked } from "./sqlite-errors.js";

const retryMs = 5;

/**
 * Puts the file into WAL mode where its file system can do that; says which mode it is in. One connection alone may change it, and one that
 * has begun to read waits for no writer: while another host makes the same file, SQLite says at once that it is locked, whatever its
 * `busy_timeout`. Throws what the driver throws.
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

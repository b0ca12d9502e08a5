import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./connection.js";
import { isLocked } from "./sqlite-errors.js";

const retryMs = 5;

/**
 * Puts the file into WAL mode if its file system can; returns the resulting mode. Only one connection may change the mode, and one that has
 * begun to read waits for no writer. So while another host creates the file, SQLite reports a lock at once, despite `busy_timeout`. Throws
 * what the driver throws.
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

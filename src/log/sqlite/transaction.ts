import type { Connection } from "./connection.js";

/**
 * Runs `work` in a transaction. Takes the write lock at the beginning, so that no other process can change what `work` has read before
 * `work` writes.
 */
export function transaction<T>(db: Connection, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      db.exec("ROLLBACK");
    } catch {
      // ROLLBACK fails if SQLite has already rolled back, for example because of a full disk or an I/O error.
    }
    throw error;
  }
}

import type { Connection } from "./connection.js";

/** Runs SQL and throws a StoreError that says what failed. */
export type Guarded = <T>(doing: "read" | "write", work: () => T) => T;

/** Runs `work` in a transaction. Takes the write lock at once, so that what `work` reads cannot change before it writes. */
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
      // SQLite has rolled back already, because of a full disk or an I/O error.
    }
    throw error;
  }
}

import { StoreError } from "../core/errors.js";

/** The part of `node:sqlite`'s DatabaseSync that the event log uses. */
export interface Connection {
  exec(sql: string): void;
  /** Returns the same statement for the same text. */
  prepare(sql: string): Statement;
  /** Closes the file. Can be called more than once. */
  close(): void;
}

export interface Statement {
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  run(...values: SqlValue[]): { changes: number | bigint };
}

type SqlValue = string | number | null | Uint8Array;

/** Opens a file with Node's own SQLite (22.13 and later), otherwise with a package that has the same API. */
export async function connect(path: string): Promise<Connection> {
  const builtin = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  const { DatabaseSync } = (builtin ?? (await addedDriver())) as Driver;
  const db = new DatabaseSync(path);
  const prepared = new Map<string, Statement>();
  return {
    exec: (sql) => db.exec(sql),
    prepare(sql) {
      const statement = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, statement);
      return statement;
    },
    close() {
      if (!db.isOpen) return;
      try {
        // The package cannot finalize statements, so its close leaves the WAL file behind. This at least empties the file.
        db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // The next opening reads what is left in the file.
      }
      db.close();
    },
  };
}

/** Loads the package, which is bundled into the published one (`scripts/bundle.mjs`). */
async function addedDriver(): Promise<unknown> {
  try {
    return await import("@photostructure/sqlite");
  } catch (error) {
    const hint = "take Node 22.13 or later, or set chat.storage.driver: memory";
    const message = `this Node has no SQLite, and the one for ${process.platform}-${process.arch} cannot be loaded`;
    throw new StoreError("open", message, { hint, cause: error });
  }
}

interface Driver {
  DatabaseSync: new (path: string) => Connection & { isOpen: boolean };
}

/** Suppresses Node 22's warning that SQLite is experimental, which would be the first line of every start. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

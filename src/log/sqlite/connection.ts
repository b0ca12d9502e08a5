import { StoreError } from "../../core/errors.js";
import { titleOf } from "../shared/conversation-facts.js";

/** The methods of `DatabaseSync` in `node:sqlite` that the event log uses. */
export interface Connection {
  exec(sql: string): void;
  /** Returns a prepared statement. The same text always gives the same statement. */
  prepare(sql: string): Statement;
  /** Makes a function of one text available to statements of this connection, for example of a migration. */
  function(name: string, work: (text: string) => string): void;
  /** Closes the file. Can be called more than once. */
  close(): void;
}

export interface Statement {
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  /** Yields the rows. None is read before it is wanted. */
  iterate(...values: SqlValue[]): Iterable<unknown>;
  run(...values: SqlValue[]): { changes: number | bigint };
}

/** The path of a log that is not stored in a file and ends with its connection. */
export const inMemory = ":memory:";

type SqlValue = string | number | null | Uint8Array;

/** Opens a file. Its statements can use `title_of`, see `conversation-statements.ts`. It uses Node's own SQLite (22.13 and later) if that has FTS5, otherwise a package with the same API. */
export async function connect(path: string): Promise<Connection> {
  const builtin = withoutWarnings(() => process.getBuiltinModule("node:sqlite"));
  const { DatabaseSync } = (builtin && hasFullTextSearch(builtin as Driver) ? builtin : await addedDriver()) as Driver;
  const db = new DatabaseSync(path);
  db.function("title_of", (json) => titleOf(JSON.parse(json)));
  const prepared = new Map<string, Statement>();
  return {
    exec: (sql) => db.exec(sql),
    function: (name, work) => db.function(name, work),
    prepare(sql) {
      const statement = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, statement);
      return statement;
    },
    close() {
      if (!db.isOpen) return;
      try {
        // The package cannot finalize statements, so `close` leaves the WAL file behind. This statement at least empties the WAL file.
        db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      } catch {
        // If this fails, the WAL file keeps its content, which is read when the log is opened again.
      }
      db.close();
    },
  };
}

/** Returns true if this SQLite has FTS5, which searches need. Node's own has it since 22.15. */
function hasFullTextSearch({ DatabaseSync }: Driver): boolean {
  const db = new DatabaseSync(":memory:");
  try {
    return db.prepare("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").get() !== undefined;
  } finally {
    db.close();
  }
}

/** Loads the SQLite package, which is bundled with the published package (`scripts/bundle.mjs`). */
async function addedDriver(): Promise<unknown> {
  try {
    return await import("@photostructure/sqlite");
  } catch (error) {
    const hint = "use Node 22.15 or later, or set chat.storage.url to a PostgreSQL database";
    const message = `the event log needs SQLite: this Node has none, and the package for ${process.platform}-${process.arch} cannot be loaded`;
    throw new StoreError("open", message, { hint, cause: error });
  }
}

interface Driver {
  DatabaseSync: new (path: string) => Connection & { isOpen: boolean };
}

/** Runs `load` without Node 22's warning that SQLite is experimental. It would be printed first at every start. */
function withoutWarnings<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

import { StoreError } from "../core/errors.js";
import type { Connection } from "./connection.js";
import { transaction } from "./transaction.js";

/** Written into the file's header ("MCPP"), so that a database of another program is never touched. */
const applicationId = 0x4d435050;

/**
 * The schema's history: `user_version` of a file is how many of these it has had. Only ever append.
 * `payload` is the event as JSON; the other columns are the parts of it that are searched or must be unique.
 */
const migrations: readonly string[] = [
  `CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    turn_id TEXT NOT NULL,
    type TEXT NOT NULL,
    request_id TEXT,
    payload TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (conversation_id, seq),
    UNIQUE (conversation_id, request_id)
  ) STRICT;
  CREATE INDEX events_turn ON events (conversation_id, turn_id, seq);
  PRAGMA application_id = ${applicationId};`,
];

/**
 * Brings the file to our schema, each step in a transaction of its own. Takes the write lock even when there is nothing to
 * do: a file that cannot be written is found out here, before anything is acknowledged.
 */
export function migrate(db: Connection, path: string, steps = migrations): void {
  while (transaction(db, () => takeStep(db, path, steps)));
}

/** True when there may be a next one. */
function takeStep(db: Connection, path: string, steps: readonly string[]): boolean {
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") !== applicationId && !isEmpty(db)) {
    throw new StoreError("open", `${path} is a database of another program`, {
      hint: "set chat.storage.path to another file",
    });
  }
  if (version > steps.length) {
    const known = `schema ${version}, this version knows ${steps.length}`;
    throw new StoreError("newer_schema", `${path} was written by a newer version of this program (${known})`, {
      hint: "update this program, or set chat.storage.path to another file",
    });
  }
  const step = steps[version];
  if (step === undefined) return false;
  db.exec(step);
  db.exec(`PRAGMA user_version = ${version + 1}`);
  return true;
}

function isEmpty(db: Connection): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
}

function pragma(db: Connection, name: "user_version" | "application_id"): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<typeof name, number>;
  return row[name];
}

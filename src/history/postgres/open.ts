import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import type { NewId } from "../../core/ids.js";
import type { Observe } from "../../core/ports.js";
import type { ChatStore } from "../../core/store-ports.js";
import { Database } from "./database.js";
import { PostgresBus } from "./deltas.js";
import { Listener } from "./listener.js";
import { migrate, schemaOf } from "./migrate.js";
import { NoticeSeal } from "./notice-seal.js";
import { PostgresStore } from "./store.js";
import { databaseNow } from "./turns.js";

/** The event log with what others build on it: the same connections, and the one that LISTENs. `store.close()` closes them. */
export interface PostgresLog {
  store: ChatStore;
  database: Database;
  listener: Listener;
}

interface PostgresLogParts {
  now: () => number;
  /** Is told the time by the database's clock, now and again. Milliseconds since the epoch. */
  heard?: (time: number) => void;
  observe: Observe;
  newId: NewId;
}

/** Opens the log in this database, with its tables at our schema. Rejects with StoreError, at once when the database is away. */
export async function openPostgresLog(
  config: PostgresConfig,
  { now, heard, observe, newId }: PostgresLogParts,
): Promise<PostgresLog> {
  const database = new Database(config, observe);
  let seal: NoticeSeal;
  try {
    await migrate(database);
    seal = await NoticeSeal.of(database);
    const [row] = await database.rows<{ now: number }>("read", "idempotent", `SELECT ${databaseNow} AS now`);
    if (row) heard?.(row.now);
  } catch (error) {
    await database.close();
    throw error;
  }
  const listener = new Listener(config, observe);
  const live = config.listen === false ? undefined : new PostgresBus(config, listener, seal);
  const beats = new Database({ ...config, poolSize: 1 }, () => {}); // what is away is told by the other one
  const store = new PostgresStore({ database, beats, listener, live, seal, origin: newId("log"), now, heard });
  return { store, database, listener };
}

/** What is there now, and left as it is. Rejects with StoreError, at once when the database is away. */
export async function databaseSchema(
  config: PostgresConfig,
  observe: Observe,
): Promise<{ place: string; schema: number }> {
  const database = new Database(config, observe);
  try {
    return { place: database.place.shown, schema: await schemaOf(database) };
  } finally {
    await database.close();
  }
}

/** The tables alone, by one connection; resolves to the place of the database. */
export async function migrateDatabase(config: PostgresConfig, observe: Observe): Promise<string> {
  const database = new Database(config, observe);
  try {
    await migrate(database);
    await warnOfStrangers(database, observe);
    return database.place.shown;
  } finally {
    await database.close();
  }
}

/** A new database of PostgreSQL lets every role of its server connect. */
async function warnOfStrangers(database: Database, observe: Observe): Promise<void> {
  const query =
    "SELECT current_database() AS name, has_database_privilege('public', current_database(), 'CONNECT') AS open";
  const [found] = await database.rows<{ name: string; open: boolean }>("read", "idempotent", query);
  if (!found?.open) return;
  observe({
    level: "warn",
    scope: "history",
    message: `every role of its server may connect to ${database.place.shown}, and see when its hosts are busy; to end that: REVOKE CONNECT ON DATABASE ${pg.escapeIdentifier(found.name)} FROM PUBLIC, and GRANT it to the role of the hosts`,
  });
}

import pg from "pg";
import type { ChatStore } from "../../core/chat-store.js";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { NewId } from "../../core/ids.js";
import type { Observe } from "../../core/ports.js";
import { Database } from "./connection/database.js";
import { Listener } from "./connection/listener.js";
import { PostgresBus } from "./deltas.js";
import { migrate, schemaOf } from "./migrate.js";
import { NoticeSeal } from "./notice-seal.js";
import { PostgresStore } from "./store.js";
import { databaseNow } from "./turns.js";

/** The event log, and the connections that other parts share with it. `store.close()` closes all of them. */
export interface PostgresLog {
  store: ChatStore;
  database: Database;
  listener: Listener;
}

interface PostgresLogParts {
  now: () => number;
  /** Called from time to time with the current time of the database's clock, in ms since the epoch. */
  onLogTime?: (time: number) => void;
  observe: Observe;
  newId: NewId;
}

/** Opens the log in this database and migrates its tables. Rejects with StoreError. Does not retry if the database cannot be reached. */
export async function openPostgresLog(
  config: PostgresConfig,
  { now, onLogTime, observe, newId }: PostgresLogParts,
): Promise<PostgresLog> {
  const database = new Database(config, observe);
  let seal: NoticeSeal;
  try {
    await refuseOpenSchema(database, config, observe);
    await migrate(database);
    seal = await NoticeSeal.of(database);
    const [row] = await database.read<{ now: number }>(`SELECT ${databaseNow} AS now`);
    if (row) onLogTime?.(row.now);
  } catch (error) {
    await database.close();
    throw error;
  }
  const listener = new Listener(config, observe);
  const live = config.listen === false ? undefined : new PostgresBus(config, listener, seal);
  const beats = new Database({ ...config, poolSize: 1 }, () => {}); // outages are not reported here, because `database` reports them
  const store = new PostgresStore({ database, beats, listener, live, seal, origin: newId("log"), now, onLogTime });
  return { store, database, listener };
}

/**
 * Returns the schema version of the database, without changing it. Rejects with StoreError. Does not retry if the database cannot be
 * reached.
 */
export async function databaseSchema(
  config: PostgresConfig,
  observe: Observe,
): Promise<{ location: string; schema: number }> {
  const database = new Database(config, observe);
  try {
    await refuseOpenSchema(database, config, observe);
    return { location: database.address.shown, schema: await schemaOf(database) };
  } finally {
    await database.close();
  }
}

/** Migrates the tables and does nothing else. Resolves with the address of the database, without secrets. */
export async function migrateDatabase(config: PostgresConfig, observe: Observe): Promise<string> {
  const database = new Database(config, observe);
  try {
    await refuseOpenSchema(database, config, observe);
    await migrate(database);
    await warnOfStrangers(database, observe);
    return database.address.shown;
  } finally {
    await database.close();
  }
}

/** Logs a warning if every role of the server may connect to the database. PostgreSQL allows this by default in a new database. */
async function warnOfStrangers(database: Database, observe: Observe): Promise<void> {
  const query =
    "SELECT current_database() AS name, has_database_privilege('public', current_database(), 'CONNECT') AS open";
  const [found] = await database.read<{ name: string; open: boolean }>(query);
  if (!found?.open) return;
  observe({
    level: "warn",
    scope: "history",
    message: `every role of its server may connect to ${database.address.shown}, see when its hosts are busy, and hold locks for which calls wait; to end that: REVOKE CONNECT ON DATABASE ${pg.escapeIdentifier(found.name)} FROM PUBLIC, and GRANT it to the role of the hosts`,
  });
}

/**
 * SQL that returns the schemas of the search path in which every role may create objects. All names are qualified and all arguments have
 * the exact types, so that PostgreSQL does not call a function that another role has made in these schemas.
 */
const openSchemas = `SELECT path.schema::pg_catalog.text AS schema
  FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) AS path (schema)
  WHERE pg_catalog.has_schema_privilege('public'::pg_catalog.name, path.schema::pg_catalog.text, 'CREATE'::pg_catalog.text)`;

/**
 * Rejects with StoreError if every role may create functions, operators or tables in a schema of the search path. PostgreSQL up to version
 * 14 allows this by default (CVE-2018-1058). Another role could create a function that matches a call in the host's statements better than
 * the intended function, for example `pg_advisory_xact_lock(text)`. PostgreSQL would run it with the host's rights. If the configuration
 * allows such schemas, only logs a warning.
 */
async function refuseOpenSchema(database: Database, { sharedSchema }: PostgresConfig, observe: Observe): Promise<void> {
  const [found] = await database.run("open", "idempotent", async (client) => {
    return (await client.query<{ schema: string }>(openSchemas)).rows;
  });
  if (!found) return;
  const message = `every role that may connect to ${database.address.shown} can make functions in its schema ${found.schema}, and this host would run them with its own rights`;
  const schema = pg.escapeIdentifier(found.schema);
  const hint = `run REVOKE CREATE ON SCHEMA ${schema} FROM PUBLIC, and drop what other roles have made there; or set chat.storage.shared_schema: true if you trust all these roles`;
  if (!sharedSchema) throw new StoreError("open", message, { hint });
  observe({ level: "warn", scope: "history", message: `${message}; to end that: ${hint.split(";")[0]}` });
}

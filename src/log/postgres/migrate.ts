import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { longestTimerMs } from "../../core/async/timers.js";
import { StoreError } from "../../core/errors.js";
import { schemaVersion, unreleasedLog } from "../shared/schema-version.js";
import type { Database } from "./connection/database.js";

/** Advisory lock that a process holds while it changes the schema ("MCPP"). */
const migrationLock = 0x4d435050;

const versionTable = "mcp_platform_version";
/** The table that had the version before the first release. */
const unreleasedTable = "mcp_platform_schema";

/**
 * Longest time, in ms, to wait for the lock of a table. While the migration waits for a long reader (such as pg_dump), every later query on
 * the table waits behind the migration.
 */
const lockMs = 500;
const pauseMs = 500;
/** Number of attempts to get all locks of tables. Their time is not limited, because a step on a large log takes minutes. */
const mostAttempts = 30;

/**
 * Migrates the database to the current schema. If several processes try at the same time, one migrates and the others wait. Rejects with
 * StoreError.
 */
export async function migrate(database: Database): Promise<void> {
  for (let attempts = 1; (await schemaOf(database)) !== schemaVersion; attempts++) {
    try {
      await underMigrationLock(database, (client) => takeSteps(client, database));
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === "locked") || attempts === mostAttempts) throw error;
      await sleep(pauseMs);
    }
  }
}

/**
 * Runs `work` in a transaction that holds the migration lock, so that only one process at a time migrates. `work` may use other connections
 * too.
 */
export function underMigrationLock<T>(database: Database, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return database.run("open", "idempotent", async (client) => {
    // Turns off the timeouts of the process that has the lock, because all other processes wait for its migration. The three statements are
    // sent in one message, so that no timeout can occur between them.
    await client.query("BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0");
    try {
      await client.query(patient("SELECT pg_advisory_xact_lock($1)"), [migrationLock]);
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {});
      throw error;
    }
  });
}

/**
 * Returns the schema version of the database, without changing it. Returns 0 if the database has no tables of this program. Rejects with
 * StoreError.
 */
export function schemaOf(database: Database): Promise<number> {
  return database.run("open", "idempotent", (client) => versionOf(client, database.address.shown));
}

async function takeSteps(client: pg.ClientBase, { address }: Database): Promise<void> {
  const version = await versionOf(client, address.shown);
  if (version > schemaVersion) {
    const known = `schema ${version}, this version knows ${schemaVersion}`;
    throw new StoreError("newer_schema", `${address.shown} was written by a newer version of this program (${known})`, {
      hint: "update this program, or name another database in chat.storage.url",
    });
  }
  if (version === 0) await requireEncoding(client, address.shown);
  if (version === 0 && (await has(client, ["events", "turns", "nodes", "mail", "results"]))) {
    throw new StoreError("open", `${address.shown} is a database of another program`, {
      hint: "name a database in chat.storage.url that only this program uses",
    });
  }
  await client.query(`SET LOCAL lock_timeout = ${lockMs}`);
  const { postgresSteps } = await import("./schema.js");
  for (const statement of postgresSteps.slice(version).flat()) await client.query(patient(statement));
  await client.query(`CREATE TABLE IF NOT EXISTS ${versionTable} (version integer NOT NULL)`);
  await client.query(`DELETE FROM ${versionTable}`);
  await client.query(`INSERT INTO ${versionTable} VALUES ($1)`, [schemaVersion]);
}

/** Throws StoreError if the database cannot store every character. SQL_ASCII stores bytes as they come, so it can. */
async function requireEncoding(client: pg.ClientBase, database: string): Promise<void> {
  const { rows } = await client.query<{ encoding: string }>("SELECT current_setting('server_encoding') AS encoding");
  const encoding = rows[0]?.encoding ?? "";
  if (encoding === "UTF8" || encoding === "SQL_ASCII") return;
  throw new StoreError(
    "open",
    `${database} has the encoding ${encoding}, which lacks characters that answers contain`,
    {
      hint: "create the database with ENCODING 'UTF8' TEMPLATE template0",
    },
  );
}

/** Returns a query without this process's own limit of time. A step on a large log takes minutes. */
function patient(text: string): pg.QueryConfig & pg.ClientConfig {
  return { text, query_timeout: longestTimerMs };
}

/** Returns the schema version, or 0 if the database has no tables of this program. */
async function versionOf(client: pg.ClientBase, database: string): Promise<number> {
  if (await has(client, [unreleasedTable])) throw unreleasedLog(database, "name another database in chat.storage.url");
  if (!(await has(client, [versionTable]))) return 0;
  const found = await client.query<{ version: number }>(`SELECT version FROM ${versionTable}`);
  return found.rows[0]?.version ?? 0;
}

/**
 * Returns true if one of these tables exists. It queries `pg_class`, because `to_regclass` may use information that the connection cached
 * before it got the lock.
 */
async function has(client: pg.ClientBase, tables: readonly string[]): Promise<boolean> {
  const query =
    "SELECT FROM pg_catalog.pg_class WHERE relname = ANY($1) AND pg_catalog.pg_table_is_visible(oid) LIMIT 1";
  return (await client.query(query, [[...tables]])).rowCount === 1;
}

import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConfig } from "../../core/config.js";
import type { Observe } from "../../core/ports.js";
import type { Database } from "../../log/postgres/connection/database.js";
import { openDbosPool } from "./dbos-pool.js";
import { migrateSystemTables } from "./sdk.js";

/** Id of the advisory lock that is held while DBOS's tables are migrated. The number spells "DBOS". */
const migrationLock = 0x44424f53;
const pauseMs = 100;
/** Number of connections: DBOS needs one for the migration, and one for its own work meanwhile. */
const poolSize = 4;

/**
 * Migrates DBOS's tables in this database to the version that is needed here. If several processes find outdated tables, they migrate one
 * after another, and only the first has something to do. A process that waits must not hold a snapshot: DBOS creates indexes with
 * CONCURRENTLY, which waits for all transactions with a snapshot. Rejects with StoreError.
 */
export async function migrateDbos(config: PostgresConfig, database: Database, observe: Observe): Promise<void> {
  // Uses the default lease. The pool derives from the lease how long a transaction may be idle, and a slow start could exceed the limit of
  // a short lease. No turns depend on the lease yet.
  const pool = openDbosPool({ ...config, leaseMs: undefined }, poolSize);
  const tryOnce = () =>
    database.run("open", "idempotent", async (client) => {
      // Both statements go in one message: between two messages, a short timeout could already end the transaction.
      await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
      try {
        // This query must not have parameters: a query with parameters would keep its snapshot until the transaction ends.
        const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${migrationLock}) AS mine`);
        const isMine = rows[0]?.mine === true;
        if (isMine) await migrateSystemTables(pool, observe);
        return isMine;
      } finally {
        await client.query("COMMIT");
      }
    });
  try {
    while (!(await tryOnce())) await sleep(pauseMs);
  } finally {
    await pool.end();
  }
}

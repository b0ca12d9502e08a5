import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConfig } from "../../core/config.js";
import type { Observe } from "../../core/ports.js";
import type { Database } from "../../log/postgres/connection/database.js";
import { openPool } from "../../log/postgres/connection/pool.js";
import { poolSize } from "./membership.js";
import { isMigrated, migrateSystemTables } from "./sdk.js";

/** Id of the advisory lock that is held while DBOS's tables are migrated. The number spells "DBOS". */
const migrationLock = 0x44424f53;
const pauseMs = 100;

/**
 * Migrates DBOS's tables in this database to the version that is needed here. If several processes find outdated tables, one process
 * migrates them and the others wait. A waiting process must not hold a snapshot, because DBOS builds indexes in a way that waits for all
 * transactions with a snapshot. Rejects with StoreError.
 */
export async function migrateDbos(config: PostgresConfig, database: Database, observe: Observe): Promise<void> {
  // without a lease the time limits are the default ones: a starting host is slow, and has no turns yet that others could take over
  const pool = openPool({ ...config, leaseMs: undefined }, poolSize);
  const tryOnce = () =>
    database.run("open", "idempotent", async (client) => {
      if (await isMigrated(client)) return true;
      // sent as one message, because the timeout, which may be short, could end the transaction between two messages
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

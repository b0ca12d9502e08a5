import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConfig } from "../../core/config.js";
import type { Observe } from "../../core/ports.js";
import type { Database } from "../../history/postgres/database.js";
import { openPool } from "../../history/postgres/pool.js";
import { poolSize } from "./membership.js";
import { isMigrated, migrate } from "./sdk.js";

/** Id of the advisory lock held while migrating DBOS's tables ("DBOS"). */
const migrationLock = 0x44424f53;
const pauseMs = 100;

/**
 * Migrates DBOS's tables in this database to this version. If several processes find them outdated, one migrates; the others wait without a
 * snapshot, because DBOS builds indexes in a way that waits for everyone with one. Rejects with StoreError.
 */
export async function migrateDbos(config: PostgresConfig, database: Database, observe: Observe): Promise<void> {
  const pool = openPool({ ...config, leaseMs: undefined }, poolSize); // a host that boots is slow, and holds no turns
  const tryOnce = () =>
    database.run("open", "idempotent", async (client) => {
      if (await isMigrated(client)) return true;
      await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0"); // in one message, as the timeout may be short
      try {
        // No parameters: a query with some keeps its snapshot until the transaction ends.
        const { rows } = await client.query(`SELECT pg_try_advisory_xact_lock(${migrationLock}) AS mine`);
        const isMine = rows[0]?.mine === true;
        if (isMine) await migrate(pool, observe);
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

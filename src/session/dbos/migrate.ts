import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConfig } from "../../core/config.js";
import type { Observe } from "../../core/ports.js";
import type { Database } from "../../history/postgres/database.js";
import { openPool } from "../../history/postgres/pool.js";
import { poolSize } from "./membership.js";
import { isMigrated, migrate } from "./sdk.js";

/** Of the advisory lock that whoever migrates DBOS's tables holds ("DBOS"). */
const migrationLock = 0x44424f53;
const pauseMs = 100;

/**
 * Brings DBOS's tables in this database to what this version needs. Of many processes that find them behind, one does it and the others
 * wait, without a snapshot: DBOS builds indexes in a way that waits for everybody who has one. Rejects with StoreError.
 */
export async function migrateDbos(config: PostgresConfig, database: Database, observe: Observe): Promise<void> {
  const pool = openPool({ ...config, leaseMs: undefined }, poolSize); // a host that boots is slow, and holds no turns
  const tryOnce = () =>
    database.run("open", "idempotent", async (client) => {
      if (await isMigrated(client)) return true;
      await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0"); // in one message: it may be short
      try {
        // Without parameters: what has some keeps its snapshot until the end of the transaction.
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

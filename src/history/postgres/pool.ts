/** How connections to the database are made, and how long anything may take on them. */

import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { defaultLeaseMs } from "../../core/lease.js";

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 15_000;
/** Idle connections go after this, and every one after the second time: balancers and firewalls forget them silently. */
const idleMs = 30_000;
const lifetimeS = 1_800;
const keepAliveMs = 10_000;
/** How much later than the server this end gives a statement up: then the connection is taken for dead. */
const graceMs = 2_000;

/**
 * Pipelined also where nobody sends two statements at once: only then is a connection closed whose statement has got no answer in time.
 * Else it would come back into the pool, where the next one waits on it as long, and the one after.
 */
export function openPool(config: PostgresConfig, max: number): pg.Pool {
  const settings = { max, idleTimeoutMillis: idleMs, maxLifetimeSeconds: lifetimeS, pipeline: true };
  const pool = outliving(new pg.Pool({ ...connectionOf(config), ...settings }));
  if (config.listen === false) pool.on("connect", (client) => limitTransactions(client, standstillMsOf(config)));
  return pool;
}

/** Behind a pooler a connection has no settings of its own: each transaction brings what it needs, with its beginning. */
function limitTransactions(client: pg.ClientBase, standstillMs: number): void {
  const query = client.query.bind(client) as (...statement: unknown[]) => unknown;
  const limit = `SET LOCAL idle_in_transaction_session_timeout = ${standstillMs}`;
  const begins = (statement: unknown) => typeof statement === "string" && /^BEGIN\b[^;]*$/.test(statement);
  Object.assign(client, {
    query: (statement: unknown, ...rest: unknown[]) =>
      query(begins(statement) ? `${statement}; ${limit}` : statement, ...rest),
  });
}

/** A process that stands still in the middle of a transaction keeps nobody from taking its turns over. */
function standstillMsOf({ leaseMs = defaultLeaseMs }: PostgresConfig): number {
  return Math.round(leaseMs / 2);
}

/**
 * The process outlives whatever happens to a connection that nobody asks anything at the moment: one that is idle, which leaves the pool
 * by itself, and one that is lost in the very message that makes it, before whoever asked for it has it: its first statement says so.
 */
export function outliving(pool: pg.Pool): pg.Pool {
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool.on("error", () => {});
}

/** How any connection to this database is made. A server-side timeout is a setting of the session, which a pooler has not. */
export function connectionOf(config: PostgresConfig): pg.ClientConfig {
  const timeoutMs = config.statementTimeoutMs ?? statementTimeoutMs;
  return {
    connectionString: config.url,
    application_name: "mcp-platform",
    connectionTimeoutMillis: config.connectTimeoutMs ?? connectTimeoutMs,
    query_timeout: timeoutMs + graceMs,
    ...(config.listen === false
      ? {}
      : {
          statement_timeout: timeoutMs,
          idle_in_transaction_session_timeout: standstillMsOf(config),
        }),
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    types: { getTypeParser: (oid, format) => numbers[oid] ?? pg.types.getTypeParser(oid, format) },
  };
}

/** int8 and numeric as numbers: ours are times, counts and sums. */
const numbers: Record<number, (text: string) => unknown> = { 20: Number, 1700: Number };

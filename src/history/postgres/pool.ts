/** Connections to the database and the timeouts on them. */

import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { defaultLeaseMs } from "../../core/lease.js";

const connectTimeoutMs = 5_000;
const statementTimeoutMs = 15_000;
/** Idle connections are closed after `idleMs`, all others after `lifetimeS`: balancers and firewalls drop them silently. */
const idleMs = 30_000;
const lifetimeS = 1_800;
const keepAliveMs = 10_000;
/** Delay after the server's limit until this client gives up a statement. It then treats the connection as dead. */
const graceMs = 2_000;

/**
 * Opens the pool in pipeline mode: only then does pg close a connection whose statement has timed out. Otherwise the connection would
 * return to the pool, and the next statement would wait on it just as long.
 */
export function openPool(config: PostgresConfig, max: number): pg.Pool {
  const settings = { max, idleTimeoutMillis: idleMs, maxLifetimeSeconds: lifetimeS, pipeline: true };
  const pool = outliving(new pg.Pool({ ...connectionOf(config), ...settings }));
  if (config.listen === false) pool.on("connect", (client) => limitTransactions(client, standstillMsOf(config)));
  return pool;
}

/** Adds the idle limit to each `BEGIN`, because behind a pooler a connection has no session settings. */
function limitTransactions(client: pg.ClientBase, standstillMs: number): void {
  const query = client.query.bind(client) as (...statement: unknown[]) => unknown;
  const limit = `SET LOCAL idle_in_transaction_session_timeout = ${standstillMs}`;
  const begins = (statement: unknown) => typeof statement === "string" && /^BEGIN\b[^;]*$/.test(statement);
  Object.assign(client, {
    query: (statement: unknown, ...rest: unknown[]) =>
      query(begins(statement) ? `${statement}; ${limit}` : statement, ...rest),
  });
}

/** Returns how long a transaction may stay idle, in ms. A stalled process must not keep others from taking over its turns. */
function standstillMsOf({ leaseMs = defaultLeaseMs }: PostgresConfig): number {
  return Math.round(leaseMs / 2);
}

/**
 * Keeps the process alive when a connection fails while no statement runs on it. An idle connection leaves the pool. One that is lost as it
 * opens fails at its first statement.
 */
export function outliving(pool: pg.Pool): pg.Pool {
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool.on("error", () => {});
}

/** Returns the settings of every connection. Server-side timeouts are session settings, which a pooler does not keep. */
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

/** Parsers of int8 and numeric as numbers: ours are times, counts and sums. */
const numbers: Record<number, (text: string) => unknown> = { 20: Number, 1700: Number };

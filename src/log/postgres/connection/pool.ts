/** Opens connections to the database, with timeouts. */

import pg from "pg";
import type { PostgresConfig } from "../../../core/config.js";
import { defaultLeaseMs } from "../../../core/turn-leases.js";

const connectTimeoutMs = 5_000;
/**
 * How long a caller waits for a connection of a pool whose connections are all in use, in ms. It is longer than `connectTimeoutMs`: such a
 * wait shows that the host is busy, not that the database cannot be reached.
 */
const poolWaitMs = 30_000;
const statementTimeoutMs = 15_000;
/**
 * A connection is closed when it was unused for `idleMs`, and in any case after `lifetimeS`, because load balancers and firewalls drop old
 * connections without notice.
 */
const idleMs = 30_000;
const lifetimeS = 1_800;
const keepAliveMs = 10_000;
/** Extra time, in ms, that the client waits for a statement after the server's timeout. Then the client treats the connection as dead. */
const graceMs = 2_000;

/**
 * Opens the pool in pipeline mode, because only then pg closes a connection whose statement has timed out. Otherwise the connection would
 * return to the pool, and the next statement on this connection would wait for just as long.
 */
export function openPool(config: PostgresConfig, max: number, waitMs = poolWaitMs): pg.Pool {
  const connection = { ...connectionOf(config), pipeline: true };
  class PooledClient extends pg.Client {
    constructor() {
      super(connection);
    }
  }
  // pg-pool has one timeout for opening a connection and for waiting for a free one. Here it is for the wait: the client limits the opening.
  const timeouts = { connectionTimeoutMillis: waitMs, idleTimeoutMillis: idleMs, maxLifetimeSeconds: lifetimeS };
  const pool = outliving(new pg.Pool({ ...connection, ...timeouts, max, Client: PooledClient }));
  if (config.listen === false) pool.on("connect", (client) => limitTransactions(client, standstillMsOf(config)));
  return pool;
}

/** Adds the limit for idle transactions to each `BEGIN`. It is used behind a pooler, where connections have no session settings. */
function limitTransactions(client: pg.ClientBase, standstillMs: number): void {
  const query = client.query.bind(client) as (...statement: unknown[]) => unknown;
  const limit = `SET LOCAL idle_in_transaction_session_timeout = ${standstillMs}`;
  const begins = (statement: unknown) => typeof statement === "string" && /^BEGIN\b[^;]*$/.test(statement);
  Object.assign(client, {
    query: (statement: unknown, ...rest: unknown[]) =>
      query(begins(statement) ? `${statement}; ${limit}` : statement, ...rest),
  });
}

/**
 * Returns how long a transaction may be idle, in ms. The limit is short, because a stalled process must not keep other hosts from taking
 * over its turns.
 */
function standstillMsOf({ leaseMs = defaultLeaseMs }: PostgresConfig): number {
  return Math.round(leaseMs / 2);
}

/**
 * Adds error listeners. Without them, Node would end the process if a connection fails while no statement runs on it. If the connection was
 * idle, the pool removes it. If it was just being opened, its first statement fails.
 */
function outliving(pool: pg.Pool): pg.Pool {
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool.on("error", () => {});
}

/** Returns the settings for connections. Timeouts of the server are session settings, so they are left out behind a pooler. */
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

/** Parsers that return int8 and numeric values as numbers. In our tables these are times, counts and sums. */
const numbers: Record<number, (text: string) => unknown> = { 20: Number, 1700: Number };

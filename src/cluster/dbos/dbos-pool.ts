import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import { openPool } from "../../log/postgres/connection/pool.js";
import { addressOf, isLost, isPoolTimeout } from "../../log/postgres/connection/store-errors.js";

/**
 * Opens the pool for DBOS. Its calls fail at once while the database is unreachable. DBOS recognises connection errors by their codes and
 * messages, and repeats the failed call, with pauses of up to 90 s, until the database is back. These repeats cannot be stopped, so meanwhile
 * the host could neither close nor take over a turn. Therefore this pool replaces connection errors by a StoreError, which DBOS does not
 * repeat. Nothing is lost: DBOS polls its queues each second, and the regular check of the host (`sweep`) repairs what was not recorded.
 */
export function openDbosPool(config: PostgresConfig, max: number): pg.Pool {
  const pool = openPool(config, max);
  const away = () => new StoreError("write", `cannot reach ${addressOf(config.url).shown}`, { retryable: true });
  pool.on("connect", (client) => replaceErrors(client, "query", away));
  replaceErrors(pool, "connect", away);
  replaceErrors(pool, "query", away);
  return pool;
}

/**
 * Wraps the method: where its promise would reject with an error that DBOS retries, it rejects with `away()`. Calls with a callback stay as
 * they are.
 */
function replaceErrors(target: pg.Pool | pg.ClientBase, name: "connect" | "query", away: () => StoreError): void {
  const method = target[name].bind(target) as (...args: unknown[]) => unknown;
  const replacing = (...args: unknown[]) => {
    const result = method(...args);
    if (!(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      throw isRetriedByDbos(error) ? away() : error;
    });
  };
  Object.assign(target, { [name]: replacing });
}

/**
 * True for a lost connection, for a pool without a free connection, and for a database server that lacks resources (SQLSTATE class 53) or was stopped (class 57). DBOS does not
 * retry a statement that was cancelled, for example by its timeout (57014).
 */
function isRetriedByDbos(error: unknown): boolean {
  const code = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
  return isLost(error) || isPoolTimeout(error) || code.startsWith("53") || (code.startsWith("57") && code !== "57014");
}

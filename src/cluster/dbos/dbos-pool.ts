import pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import { openPool } from "../../log/postgres/connection/pool.js";
import { addressOf, isLost } from "../../log/postgres/connection/store-errors.js";

/**
 * Opens the pool for DBOS, in which a call fails at once when the database is away. DBOS itself repeats a call whose connection is lost until
 * the database is back, with pauses of up to 90 s, and nobody can stop it: meanwhile the host could neither close nor take over a turn. DBOS
 * recognises such errors by their codes and words, so this pool replaces them by a StoreError without these. Nothing is lost: DBOS polls its
 * queues each second, and each sweep of the host repairs what was not recorded.
 */
export function openDbosPool(config: PostgresConfig, max: number): pg.Pool {
  const pool = openPool(config, max);
  const away = () => new StoreError("write", `cannot reach ${addressOf(config.url).shown}`, { retryable: true });
  pool.on("connect", (client) => replaceErrors(client, "query", away));
  replaceErrors(pool, "connect", away);
  replaceErrors(pool, "query", away);
  return pool;
}

/** Replaces the errors that DBOS would retry in the promises that the method returns. Calls with a callback stay as they are. */
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

/** True for lost connections, and for a server that has no resources (53) or was stopped (57). A timeout of a statement is not retried. */
function isRetriedByDbos(error: unknown): boolean {
  const code = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
  return isLost(error) || code.startsWith("53") || (code.startsWith("57") && code !== "57014");
}

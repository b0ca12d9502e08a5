import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { PostgresConfig } from "../../../core/config.js";
import { StoreError } from "../../../core/errors.js";
import type { Observe } from "../../../core/ports.js";
import { openPool } from "./pool.js";
import { addressOf, type DatabaseAddress, isLost, isRolledBack, isUnsent, storeError } from "./store-errors.js";

const defaultPoolSize = 10;
const defaultRetryMs = 30_000;
const firstPauseMs = 25;
const longestPauseMs = 1_000;
/**
 * In which cases work is retried after an error. `idempotent`: even if the work may already have been done when the connection was lost.
 * `once`: only if the work certainly was not done. `now`: never, so that callers do not wait while the database cannot be reached.
 */
export type Repeatable = "idempotent" | "once" | "now";

/**
 * The connections to the database. If a connection is lost, work is retried for `retry_timeout`, provided that the work is idempotent or
 * certainly was not done. Behind a pooler in transaction mode, no session state and no prepared statements are used.
 */
export class Database {
  readonly address: DatabaseAddress;
  readonly pool: pg.Pool;
  readonly #retryMs: number;
  /** Names of prepared statements by their text. Undefined behind a pooler, because poolers do not support prepared statements. */
  readonly #names: Map<string, string> | undefined;
  readonly #observe: Observe;
  readonly #closed = new AbortController();
  #isAway = false;
  #ended: Promise<void> | undefined;

  constructor(config: PostgresConfig, observe: Observe) {
    this.address = addressOf(config.url);
    this.#retryMs = config.retryTimeoutMs ?? defaultRetryMs;
    this.#observe = observe;
    this.#names = config.listen === false ? undefined : new Map();
    this.pool = openPool(config, config.poolSize ?? defaultPoolSize);
  }

  /** Runs a query, again if the connection is lost, and returns its rows. Rejects with StoreError. */
  read<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.rows("read", "idempotent", sql, values);
  }

  /** Runs one statement and returns its rows. Rejects with StoreError. */
  async rows<Row extends pg.QueryResultRow>(
    doing: "read" | "write",
    repeatable: Repeatable,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return this.run(doing, repeatable, async (client) => (await client.query<Row>(this.#named(sql, values))).rows);
  }

  /**
   * Runs `work` in a transaction. If `work` sends several statements before it awaits them, they share a round trip. Rejects with
   * StoreError, RequestError or an error of `work`.
   */
  transaction<T>(repeatable: Repeatable, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.run("write", repeatable, async (client) => {
      const begun = client.query("BEGIN");
      begun.catch(() => {}); // ignored here, because the following statements fail with the same error
      try {
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
   * Runs these statements in one transaction and one round trip, under the conversation's lock. A separate statement takes the lock, so
   * that the statements after it see all earlier writes. Resolves with the rows of each statement. `next`: returns further statements of the
   * transaction, which take a second round trip.
   */
  inConversation(
    repeatable: Repeatable,
    conversationId: string,
    statements: readonly Statement[],
    next?: (rows: pg.QueryResultRow[][]) => readonly Statement[],
  ): Promise<pg.QueryResultRow[][]> {
    return this.run("write", repeatable, async (client) => {
      const asked = (all: readonly Statement[]) => all.map(([sql, values]) => client.query(this.#named(sql, values)));
      const begun = [client.query("BEGIN"), ...asked([[lockConversation, [conversationId]]])];
      const all = asked(statements);
      try {
        await allDone([...begun, ...all, ...(next ? [] : [client.query("COMMIT")])]);
        const rows = (await Promise.all(all)).map((result) => result.rows);
        if (next) await allDone([...asked(next(rows)), client.query("COMMIT")]);
        return rows;
      } catch (error) {
        if (next) await client.query("ROLLBACK").catch(() => {});
        throw error;
      }
    });
  }

  /** Runs `work` with a connection from the pool, and repeats it as `repeatable` allows. */
  async run<T>(
    doing: "open" | "read" | "write",
    repeatable: Repeatable,
    work: (client: pg.PoolClient) => Promise<T>,
  ): Promise<T> {
    const until = performance.now() + (doing === "open" || repeatable === "now" ? 0 : this.#retryMs);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        const result = await this.#once(work);
        this.#isThere();
        return result;
      } catch (error) {
        const mayRepeat = isUnsent(error) || (repeatable === "idempotent" && isLost(error));
        if (!mayRepeat || this.#closed.signal.aborted || performance.now() + pauseMs > until) {
          throw storeError(error, this.address, doing);
        }
        if (!isRolledBack(error)) this.#isGone(error);
        await sleep(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => {});
      }
    }
  }

  /** Checks that the database answers. Rejects with StoreError if it does not. Does not retry. */
  async check(): Promise<{ isReadOnly: boolean }> {
    try {
      const { rows } = await this.pool.query<{ isReadOnly: boolean }>(askReadOnly);
      return { isReadOnly: rows[0]?.isReadOnly === true };
    } catch (error) {
      throw storeError(error, this.address, "read");
    }
  }

  /** Closes the pool. Can be called more than once. */
  close(): Promise<void> {
    this.#closed.abort();
    this.#ended ??= this.pool.end();
    return this.#ended;
  }

  async #once<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) throw new StoreError("write", `the event log ${this.address.shown} is closed`);
    const client = await this.pool.connect();
    let isBroken = false;
    const onError = () => {
      isBroken = true;
    };
    client.on("error", onError); // without this listener, a connection that is lost between two statements would end the process
    try {
      return await work(client);
    } catch (error) {
      isBroken ||= isLost(error);
      throw error;
    } finally {
      client.off("error", onError);
      client.release(isBroken);
    }
  }

  #named(text: string, values: readonly unknown[]): pg.QueryConfig {
    if (!this.#names) return { text, values: [...values] };
    const name = this.#names.get(text) ?? `log_${this.#names.size}`;
    this.#names.set(text, name);
    return { name, text, values: [...values] };
  }

  #isGone(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    const { message } = storeError(error, this.address, "write");
    this.#observe({
      level: "warn",
      scope: "history",
      message: `${message}; trying again for ${this.#retryMs / 1000} s`,
    });
  }

  #isThere(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#observe({
      level: "info",
      scope: "history",
      message: `the event log ${this.address.shown} can be reached again`,
    });
  }
}

const askReadOnly = `SELECT current_setting('transaction_read_only') = 'on' AS "isReadOnly"`;

const lockConversation = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";

/** Waits for all of them, and rejects if one was rejected. */
async function allDone(all: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(all)).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

export type Statement = readonly [sql: string, values: readonly unknown[]];

/** Takes the conversation's lock until the transaction ends. Meanwhile no other transaction writes to the conversation. */
export function lock(client: pg.ClientBase, conversationId: string) {
  return client.query(lockConversation, [conversationId]);
}

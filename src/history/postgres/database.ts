import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { PostgresConfig } from "../../core/config.js";
import { StoreError } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import { isLost, isRolledBack, isUnsent, type Place, placeOf, storeError } from "./errors.js";
import { openPool } from "./pool.js";

const defaultPoolSize = 10;
const defaultRetryMs = 30_000;
const firstPauseMs = 25;
const longestPauseMs = 1_000;
/** Whether work is done again: `once` when its second time would be another one, `now` when a database that is away is not waited for. */
export type Repeatable = "idempotent" | "once" | "now";

/**
 * Connections to the database, and what happens when they go away: work is done again for `retry_timeout`, if its second time is none or
 * it certainly was not done. Works behind a pooler in transaction mode: then there is no state of a session, and no named statement.
 */
export class Database {
  readonly place: Place;
  readonly pool: pg.Pool;
  readonly #retryMs: number;
  /** Of the statements that a connection parses and plans once. */
  readonly #names: Map<string, string> | undefined;
  readonly #observe: Observe;
  readonly #closed = new AbortController();
  #isAway = false;
  #ended: Promise<void> | undefined;

  constructor(config: PostgresConfig, observe: Observe) {
    this.place = placeOf(config.url);
    this.#retryMs = config.retryTimeoutMs ?? defaultRetryMs;
    this.#observe = observe;
    this.#names = config.listen === false ? undefined : new Map();
    this.pool = openPool(config, config.poolSize ?? defaultPoolSize);
  }

  /** One statement. Rejects with StoreError. */
  async rows<Row extends pg.QueryResultRow>(
    doing: "read" | "write",
    repeatable: Repeatable,
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return this.run(doing, repeatable, async (client) => (await client.query<Row>(this.#named(sql, values))).rows);
  }

  /** All or nothing. Statements that `work` does not wait for share a round trip. Rejects with StoreError, RequestError, or with what `work` throws of its own. */
  transaction<T>(repeatable: Repeatable, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.run("write", repeatable, async (client) => {
      const begun = client.query("BEGIN");
      begun.catch(() => {}); // whatever it is, the statements after it say it too
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
   * A transaction of statements that are known beforehand, in one round trip. While it runs, no other transaction writes to the
   * conversation: the lock is taken in a statement of its own, so that those after it see all that was written before. Resolves to the
   * rows of each.
   */
  inConversation(
    repeatable: Repeatable,
    conversationId: string,
    statements: readonly (readonly [sql: string, values: readonly unknown[]])[],
  ): Promise<pg.QueryResultRow[][]> {
    return this.run("write", repeatable, async (client) => {
      const sent = [client.query("BEGIN"), lock(client, conversationId)];
      const asked = statements.map(([sql, values]) => client.query(this.#named(sql, values)));
      const all = await Promise.allSettled([...sent, ...asked, client.query("COMMIT")]);
      const failed = all.find((each) => each.status === "rejected");
      if (failed) throw failed.reason;
      return (await Promise.all(asked)).map(({ rows }) => rows);
    });
  }

  /** With a connection of its own, for as long as it takes. */
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
          throw storeError(error, this.place, doing);
        }
        if (!isRolledBack(error)) this.#isGone(error);
        await sleep(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => {});
      }
    }
  }

  /** Rejects with StoreError while the database does not answer, without trying again. */
  async check(): Promise<void> {
    try {
      await this.pool.query("SELECT 1");
    } catch (error) {
      throw storeError(error, this.place, "read");
    }
  }

  /** May be called again. */
  close(): Promise<void> {
    this.#closed.abort();
    this.#ended ??= this.pool.end();
    return this.#ended;
  }

  async #once<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed.signal.aborted) throw new StoreError("write", `the event log ${this.place.shown} is closed`);
    const client = await this.pool.connect();
    let isBroken = false;
    const onError = () => {
      isBroken = true;
    };
    client.on("error", onError); // without it, a connection that is lost between two statements would end the process
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
    const { message } = storeError(error, this.place, "write");
    this.#observe({
      level: "warn",
      scope: "history",
      message: `${message}; trying again for ${this.#retryMs / 1000} s`,
    });
  }

  #isThere(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#observe({ level: "info", scope: "history", message: `the event log ${this.place.shown} is there again` });
  }
}

/** Until the end of the transaction: no other one writes to the conversation. */
export function lock(client: pg.ClientBase, conversationId: string) {
  return client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [conversationId]);
}

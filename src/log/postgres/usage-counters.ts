import type {
  ConversationUsage,
  ModelUsage,
  Period,
  ToolUsage,
  UsageCounters,
  UsageProgress,
} from "../../core/usage-store.js";
import { rangesOf, usageStatements } from "../sql/usage-statements.js";
import type { Database } from "./connection/database.js";
import { patient } from "./migrate.js";

const { models, tools, conversations, first, backlog } = usageStatements.postgres;

/** Counters of usage in the database. Its triggers write them: see `postgresUsage`. */
export class PostgresUsage implements UsageCounters {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  models(periods: readonly Period[]): Promise<ModelUsage[]> {
    return this.#rows(models, [rangesOf(periods)]);
  }

  tools(periods: readonly Period[]): Promise<ToolUsage[]> {
    return this.#rows(tools, [rangesOf(periods)]);
  }

  async conversations({ since, until }: Period, most: number) {
    const rows = await this.#rows<ConversationUsage & { lines: number }>(conversations, [since, until, most]);
    return { conversations: rows.map(({ lines: _, ...row }) => row), all: rows[0]?.lines ?? 0 };
  }

  async first(): Promise<number | undefined> {
    const [row] = await this.#rows<{ at: number | null }>(first);
    return row?.at ?? undefined;
  }

  async progress(): Promise<UsageProgress | undefined> {
    const [row] = await this.#rows<UsageProgress & Record<string, unknown>>(backlog);
    return row;
  }

  async countOlder(): Promise<UsageProgress | undefined> {
    await this.#database.rows("write", "idempotent", "SELECT count_backlog()");
    return this.progress();
  }

  async reset(): Promise<void> {
    const { postgresEmptied } = await import("../sql/usage-tables.js");
    await this.#database.transaction("idempotent", async (client) => {
      await client.query("SET LOCAL statement_timeout = 0");
      for (const statement of postgresEmptied) await client.query(patient(statement));
    });
  }

  #rows<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#database.rows("read", "idempotent", sql, values);
  }
}

import type { UsageCounters, UsageProgress } from "../../core/usage-store.js";
import { UsageReports } from "../sql/usage-reports.js";
import { usageStatements } from "../sql/usage-statements.js";
import type { Database } from "./connection/database.js";
import { patient } from "./migrate.js";

/** Counters of usage in the database. Its triggers write them: see `postgresUsage`. */
export class PostgresUsage extends UsageReports implements UsageCounters {
  readonly #database: Database;

  constructor(database: Database) {
    super(usageStatements.postgres, (sql, values) => database.rows("read", "idempotent", sql, values));
    this.#database = database;
  }

  async progress(): Promise<UsageProgress | undefined> {
    const { backlog } = usageStatements.postgres;
    const [row] = await this.#database.rows<UsageProgress & Record<string, unknown>>("read", "idempotent", backlog);
    return row;
  }

  async countOlder(): Promise<UsageProgress | undefined> {
    await this.#database.rows("write", "idempotent", "SELECT count_backlog()");
    return this.progress();
  }

  async reset(): Promise<void> {
    const { postgresEmptied } = await import("../sql/postgres-usage-tables.js");
    await this.#database.transaction("idempotent", async (client) => {
      await client.query("SET LOCAL statement_timeout = 0");
      for (const statement of postgresEmptied) await client.query(patient(statement));
    });
  }
}

import { UsageReports } from "../sql/usage-reports.js";
import { usageStatements } from "../sql/usage-statements.js";
import type { Database } from "./connection/database.js";

/** Counters of usage in the database. Its triggers write them: see `postgresUsage`. */
export class PostgresUsage extends UsageReports {
  constructor(database: Database) {
    super(usageStatements.postgres, (sql, values) => database.rows("read", "idempotent", sql, values));
  }
}

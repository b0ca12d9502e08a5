/**
 * The tables of what was used and spent, for both databases.
 *
 * `usage_counts` is written in the transaction that ends a turn, so that a report reads a few rows instead of the events.
 *
 * - Rows with `span = 0` have what a conversation (`owner`) used in a quarter of an hour, for each model or tool. They are what a deleted
 *   conversation takes back. Other rows are their sums over all conversations, for each quarter, hour and day. On PostgreSQL a sum is divided
 *   into several rows (`owner` is their number), so that hosts whose turns end at the same time mostly do not wait for each other.
 * - `conversations.counted` is the `seq` up to which the events of a conversation are counted. Later events belong to unfinished turns, and
 *   reports read them from the log. An event that belongs to no turn is counted when it is stored.
 * - `conversations.family` is the id of the conversation from which a copy was made, directly or through other copies. The oldest
 *   conversation of a family that has an event counts it.
 *
 * `spent_totals` has what the requests of all conversations have spent in each quarter of an hour. Limits of a day read it. It is written in the
 * transaction that stores the answer, so unfinished turns and other hosts count, too. Nothing is subtracted: a request still counts when its
 * conversation is deleted.
 */
import { isBilled } from "../../core/event-facts.js";
import type { ChatEvent } from "../../core/events.js";
import { quarterMs, spentIn } from "../shared/spent.js";
import { usageCounts } from "../shared/usage-fold.js";

const usageKeys = { span: "bigint", at: "bigint", owner: "text", kind: "text", provider: "text", name: "text" };
const spentCounts = ["tokens", "usd", "unpriced", "estimated"] as const;

/** Names and types of the columns of `usage_counts`, as PostgreSQL calls the types. */
const usageColumns = { ...usageKeys, ...Object.fromEntries(usageCounts.map((name) => [name, "float8"])) };

const defined = (columns: Record<string, string>, more = "") =>
  Object.entries(columns)
    .map(([name, type]) => `${name} ${type}${more}`)
    .join(", ");

const sum = (table: string, counts: readonly string[]) =>
  counts.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", ");

/** Returns the statements that make the tables. `change` replaces names of types, `end` follows the columns of a table. */
function tables(change: (sql: string) => string, end: string): string[] {
  const spent = { at: "bigint", shard: "text", ...Object.fromEntries(spentCounts.map((name) => [name, "float8"])) };
  return [
    `CREATE TABLE usage_counts (${change(defined(usageColumns, " NOT NULL"))}, PRIMARY KEY (${Object.keys(usageKeys).join(", ")}))${end}`,
    "CREATE INDEX usage_counts_conversation ON usage_counts (owner) WHERE span = 0",
    `CREATE TABLE spent_totals (${change(defined(spent, " NOT NULL"))}, PRIMARY KEY (at, shard))${end}`,
  ];
}

const sqliteTypes = (sql: string) => sql.replaceAll("bigint", "integer").replaceAll("float8", "real");

export const usageTables = {
  sqlite: tables(sqliteTypes, " STRICT, WITHOUT ROWID"),
  postgres: tables((sql) => sql, ""),
};

/** Number of the rows into which a total is divided on PostgreSQL. */
const shards = 16;

/** Returns which of these rows a transaction changes. */
export function someShard(): string {
  return String(Math.floor(Math.random() * shards));
}

/** Returns SQL for the rows of the JSON in a parameter, with the columns of `usage_counts`. */
export const givenUsage = {
  sqlite: (json: string) =>
    `SELECT ${Object.keys(usageColumns)
      .map((name) => `value ->> '${name}' AS ${name}`)
      .join(", ")} FROM json_each(${json})`,
  postgres: (json: string) => `SELECT * FROM json_to_recordset(${json}) AS given (${defined(usageColumns)})`,
};

/** Returns the SQL that adds rows to `usage_counts`. `given`: query of the rows. */
const addUsage = (given: string) => `INSERT INTO usage_counts (${Object.keys(usageColumns).join(", ")}) ${given}
  ON CONFLICT (${Object.keys(usageKeys).join(", ")}) DO UPDATE SET ${sum("usage_counts", usageCounts)}`;

/** Parameter: what `UsageChange.toJson` returns. */
export const addUsageTo = {
  sqlite: addUsage(`${givenUsage.sqlite("?1")} WHERE true`),
  postgres: addUsage(givenUsage.postgres("$1")),
};

/** Returns the SQL that deletes the rows of conversations and returns them. `owners`: condition for the column `owner`. */
export const deleteUsage = (owners: string) =>
  `DELETE FROM usage_counts WHERE span = 0 AND owner ${owners} RETURNING ${Object.keys(usageColumns).join(", ")}`;

/** Returns the SQL that adds the values of `spentValues` to `spent_totals`. `values`: SQL for a row with them. */
export const addSpentTotals = (
  values: string,
) => `INSERT INTO spent_totals (at, shard, ${spentCounts.join(", ")}) ${values}
  ON CONFLICT (at, shard) DO UPDATE SET ${sum("spent_totals", spentCounts)}`;

/** Returns true if these events have spent something. */
export function haveSpent(events: readonly ChatEvent[]): boolean {
  return events.some((event) => isBilled(event) && event.spent);
}

/** Returns the values of a row of `spent_totals` for these events, which are stored at this time. Undefined if they have spent nothing. */
export function spentValues(events: readonly ChatEvent[], at: number, shard: string) {
  if (!haveSpent(events)) return undefined;
  const { tokens, usd, unpriced, estimated } = spentIn(events);
  return [Math.floor(at / quarterMs) * quarterMs, shard, tokens, usd, unpriced, estimated] as const;
}

/** Returns the SQL that reads what was spent in a period: one row of the type `SpentTotals`. */
export const spentOfPeriod = (since: string, until: string) =>
  `SELECT ${spentCounts.map((name) => `coalesce(sum(${name}), 0.0) AS ${name}`).join(", ")}
   FROM spent_totals WHERE at >= ${since} AND at < ${until}`;

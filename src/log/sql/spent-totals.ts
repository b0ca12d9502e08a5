/**
 * The table `spent_totals`: what the requests of all conversations have spent in each quarter of an hour. Limits of a day read it. A trigger
 * adds every answer and summary in the transaction that stores it, so unfinished turns and other hosts count, too. Nothing is subtracted: a
 * request still counts when its conversation is deleted. Copies of an event are not added.
 */
import { quarterMs } from "../shared/spent.js";
import { isUnfinished } from "./common-statements.js";
import { copying } from "./conversation-statements.js";
import { jsonOf } from "./postgres-json.js";
import { numberIn, readable, seqOf, withinRange } from "./sqlite-place.js";
import { waitForTableLock } from "./table-lock.js";
import { placeOf, postgresAmount, postgresAmountIn, sqliteAmount } from "./usage-fold.js";
import { columnsOf } from "./usage-tables.js";

const counts = ["tokens", "usd", "unpriced", "estimated"];
const names = counts.join(", ");

/** SQL condition for the events that can have spent something. */
const isPaid = "type IN ('assistant_message', 'compaction')";

/** Returns SQL for the columns of a row. `text` and `number` return SQL for a field of `spent`, a column with the event's field of this name. */
const valuesOf = (text: (field: string) => string, number: (field: string) => string) =>
  `at / ${quarterMs} * ${quarterMs} AS at, coalesce(${number("tokens")}, 0.0) AS tokens, coalesce(${number("usd")}, 0.0) AS usd,
     CASE WHEN ${number("usd")} IS NULL THEN 1.0 ELSE 0.0 END AS unpriced, CASE WHEN ${text("estimated")} IS NULL THEN 0.0 ELSE 1.0 END AS estimated`;

const field = (name: string) => `(spent ->> '${name}')`;
const sqliteValues = valuesOf(field, (name) => sqliteAmount(field(name)));
const postgresValues = valuesOf(field, (name) => postgresAmount(field(name)));

/** SQL that adds a row to the one that is there. */
const added = `DO UPDATE SET ${counts.map((name) => `${name} = spent_totals.${name} + excluded.${name}`).join(", ")}`;

/** SQL for the totals of the rows of a query. */
const totalsOf = (rows: string) =>
  `SELECT at, ${counts.map((name) => `sum(${name})`).join(", ")} FROM (${rows}) AS paid GROUP BY at`;

/** SQL condition for the conversations that can have events from this time on. */
const isActive = (from: string) =>
  `(updated_at >= ${from} OR conversation_id IN (SELECT conversation_id FROM turns WHERE ${isUnfinished}))`;

/**
 * Time, in ms, by which the requests of an older log are added to the totals before the last change. Only those of today are needed, and a day
 * has at most 25 hours.
 */
const filledMs = 26 * 60 * 60_000;

const sqliteFrom = `(SELECT max(updated_at) - ${filledMs} FROM conversations)`;

/**
 * Step of the migration, for SQLite. It also removes what found the requests of a day before. Copies of events are recognised by `counted`,
 * which is set before they are stored.
 */
export const sqliteSpentTotals = [
  `CREATE TABLE spent_totals (at integer NOT NULL PRIMARY KEY, ${columnsOf(counts, "real")}) STRICT`,
  `INSERT INTO spent_totals (at, ${names}) ${totalsOf(`SELECT ${sqliteValues} FROM (
     SELECT min(id), at, ${readable} -> '$.spent' AS spent FROM conversations CROSS JOIN entries ON ${withinRange("number")}
     WHERE ${isActive(sqliteFrom)} AND ${isPaid} AND at >= ${sqliteFrom} GROUP BY ${placeOf("", seqOf())}
   ) WHERE spent IS NOT NULL`)}`,
  `CREATE TRIGGER entries_billed AFTER INSERT ON entries WHEN NEW.${isPaid}
       AND NOT EXISTS (SELECT 1 FROM conversations WHERE number = ${numberIn("NEW.")} AND counted >= ${seqOf("NEW.")}) BEGIN
     INSERT INTO spent_totals (at, ${names}) SELECT ${sqliteValues}
       FROM (SELECT at, ${readable} -> '$.spent' AS spent FROM (SELECT NEW.at AS at, NEW.payload AS payload)) WHERE spent IS NOT NULL
       ON CONFLICT (at) ${added};
   END`,
  "DROP TRIGGER entries_summarised",
  "DROP TABLE summaries",
  "DROP INDEX entries_answers",
];

/**
 * Number of rows into which a quarter is divided on PostgreSQL. Connections that store answers at the same time mostly add them to different
 * rows, and so do not wait for each other's commits.
 */
const shards = 64;

/**
 * SQL for a time 15 to 30 minutes before the migration. A host stores an event within `chat.storage.retry_timeout` (30 seconds by default)
 * of its time, so nothing older is still to come.
 */
const postgresRecent = `(floor(extract(epoch FROM now()) * 1000 / ${quarterMs} - 1) * ${quarterMs})::bigint`;
const postgresFrom = `(SELECT max(updated_at) - ${filledMs} FROM conversations)`;

/** Returns SQL that adds the requests from a time on. `more` is a further condition. */
const postgresFilled = (from: string, more = "") => `INSERT INTO spent_totals (shard, at, ${names})
   SELECT 0, * FROM (${totalsOf(`SELECT ${postgresValues} FROM (
     SELECT DISTINCT ON (${placeOf("", "seq")}) at, usage_facts(payload) -> 'spent' AS spent FROM events
     WHERE conversation_id IN (SELECT conversation_id FROM conversations WHERE ${isActive(from)}) AND ${isPaid} AND at >= ${from} ${more}
     ORDER BY ${placeOf("", "seq")}, id
   ) AS found WHERE spent IS NOT NULL`)}) AS filled ON CONFLICT (at, shard) ${added}`;

const columnValues = valuesOf((name) => name, postgresAmountIn);

/** SQL for the function that adds what the answer or summary NEW has spent. */
export const addSpentTrigger = `CREATE OR REPLACE FUNCTION add_spent() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   DECLARE
     found json;
   BEGIN
     BEGIN
       found := ${jsonOf("NEW.payload")} -> 'spent';
     EXCEPTION WHEN OTHERS THEN
       RETURN NULL; -- an event that is nested too deep for this database
     END;
     IF found IS NULL THEN RETURN NULL; END IF;
     INSERT INTO spent_totals (shard, at, ${names}) SELECT pg_backend_pid() % ${shards}, ${columnValues}
       FROM (SELECT NEW.at AS at, (found ->> 'tokens')::float8 AS tokens, (found ->> 'usd')::float8 AS usd,
         found ->> 'estimated' AS estimated OFFSET 0) AS billed
       ON CONFLICT (at, shard) ${added};
     RETURN NULL;
   END $$`;

/**
 * Step of the migration, for PostgreSQL. Hosts of an earlier version find the requests of a day by the index `events_answers`, which is
 * not used any more and stays for them.
 */
export const postgresSpentTotals = [
  `CREATE TABLE spent_totals (at bigint NOT NULL, shard integer NOT NULL, ${columnsOf(counts, "float8")}, PRIMARY KEY (at, shard))`,
  addSpentTrigger,
  postgresFilled(postgresFrom, `AND at < ${postgresRecent}`),
  waitForTableLock,
  // Triggers of one event run in the order of their names. This one runs before those that lock rows of `conversations`, so that all
  // transactions take their locks in the same order.
  `CREATE TRIGGER events_billed AFTER INSERT ON events FOR EACH ROW
     WHEN (NEW.${isPaid} AND current_setting('${copying}', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION add_spent()`,
  // CREATE TRIGGER waits for all writers and keeps new ones out.
  postgresFilled(postgresRecent),
];

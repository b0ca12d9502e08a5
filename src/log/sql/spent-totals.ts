/**
 * The table `spent_totals`: what the requests of all conversations have spent in each quarter of an hour. Limits of a day read it. A trigger
 * adds every answer and summary in the transaction that stores it, so unfinished turns and other hosts count, too. Nothing is subtracted: a
 * request still counts when its conversation is deleted. Copies of an event are not added.
 */
import { eventTypes } from "../../core/event-facts.js";
import { quarterMs } from "../shared/spent.js";
import { isTypeIn } from "./common-statements.js";
import { copying } from "./conversation-statements.js";
import { jsonOf } from "./postgres-json.js";
import { numberIn, readable, seqOf } from "./sqlite-place.js";
import { postgresAmountIn, sqliteAmount } from "./usage-fold.js";
import { columnsOf } from "./usage-tables.js";

const counts = ["tokens", "usd", "unpriced", "estimated"];
const names = counts.join(", ");

/** SQL condition for the events that can have spent something. */
const isPaid = isTypeIn(eventTypes("isBilled"));

/** Returns SQL for the columns of a row. `text` and `number` return SQL for a field of `spent`, a column with the event's field of this name. */
const valuesOf = (text: (field: string) => string, number: (field: string) => string) =>
  `at / ${quarterMs} * ${quarterMs} AS at, coalesce(${number("tokens")}, 0.0) AS tokens, coalesce(${number("usd")}, 0.0) AS usd,
     CASE WHEN ${number("usd")} IS NULL THEN 1.0 ELSE 0.0 END AS unpriced, CASE WHEN ${text("estimated")} IS NULL THEN 0.0 ELSE 1.0 END AS estimated`;

const field = (name: string) => `(spent ->> '${name}')`;
const sqliteValues = valuesOf(field, (name) => sqliteAmount(field(name)));

/** SQL that adds a row to the one that is there. */
const added = `DO UPDATE SET ${counts.map((name) => `${name} = spent_totals.${name} + excluded.${name}`).join(", ")}`;

/** The table of a file. Copies of events are recognised by `counted`, which is set before they are stored. */
export const sqliteSpentTotals = [
  `CREATE TABLE spent_totals (at integer NOT NULL PRIMARY KEY, ${columnsOf(counts, "real")}) STRICT`,
  `CREATE TRIGGER entries_billed AFTER INSERT ON entries WHEN NEW.${isPaid}
       AND NOT EXISTS (SELECT 1 FROM conversations WHERE number = ${numberIn("NEW.")} AND counted >= ${seqOf("NEW.")}) BEGIN
     INSERT INTO spent_totals (at, ${names}) SELECT ${sqliteValues}
       FROM (SELECT at, ${readable} -> '$.spent' AS spent FROM (SELECT NEW.at AS at, NEW.payload AS payload)) WHERE spent IS NOT NULL
       ON CONFLICT (at) ${added};
   END`,
];

/**
 * Number of rows into which a quarter is divided on PostgreSQL. Connections that store answers at the same time mostly add them to different
 * rows, and so do not wait for each other's commits.
 */
const shards = 64;

const columnValues = valuesOf((name) => name, postgresAmountIn);

/** SQL for the function that adds what the answer or summary NEW has spent. */
const addSpentTrigger = `CREATE FUNCTION add_spent() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

/** The table of a database. */
export const postgresSpentTotals = [
  `CREATE TABLE spent_totals (at bigint NOT NULL, shard integer NOT NULL, ${columnsOf(counts, "float8")}, PRIMARY KEY (at, shard))`,
  addSpentTrigger,
  // Triggers of one event run in the order of their names. This one runs before those that lock rows of `conversations`, so that all
  // transactions take their locks in the same order.
  `CREATE TRIGGER events_billed AFTER INSERT ON events FOR EACH ROW
     WHEN (NEW.${isPaid} AND current_setting('${copying}', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION add_spent()`,
];

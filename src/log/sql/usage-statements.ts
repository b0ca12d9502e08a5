/** SQL statements that read what was used. They are the same for both databases, apart from the expressions in `UsageDialect`. */

import type { Period } from "../../core/usage-store.js";
import { isUnfinished } from "./common-statements.js";
import { idOf, mostSeq, seqOf, storedBytes, withinRange } from "./sqlite-place.js";
import { isCounted, placeOf, postgresFold, sqliteFold } from "./usage-fold.js";
import { hourMs, modelKind, toolKind, type UsageKind, usageSpans } from "./usage-tables.js";

interface UsageDialect {
  parameter: (place: number) => string;
  /** Query of the rows of the JSON in the first parameter, see `rangesOf`. */
  ranges: string;
  /** Query of the events that are not counted yet, because they belong to unfinished turns. */
  uncounted: string;
  fold: typeof sqliteFold;
  /** Returns SQL that joins the rows of `totals` that lie in `ranges`. Each range is looked up in the index. */
  inRange: (totals: string) => string;
  /** True if changes of totals are collected in the table `UsageKind.changes` first. */
  hasChanges: boolean;
  /** Column of `UsageKind.rows` that names the conversation. Queries call it `owner`. */
  owner: string;
  /** Column with the id of the conversation after the join `named`. */
  ownerId: string;
  named: string;
}

const ofUnfinished = `conversations.conversation_id IN (SELECT conversation_id FROM turns WHERE ${isUnfinished})`;
/** SQL condition: no older conversation of the family has the event. Only a conversation that is counted anew may have copies of such events. */
const isFirst = (events: string, isSame: string) => `(family IS NULL OR counted > 0 OR NOT EXISTS (
        SELECT 1 FROM conversations AS other JOIN ${events} AS original ON ${isSame}
        WHERE (other.family = conversations.family OR other.conversation_id = conversations.family) AND original.id < ${events}.id))`;

const placesEqual = (events: string, seq: (row: string) => string) =>
  `(${placeOf("original.", seq("original."))}) = (${placeOf(`${events}.`, seq(`${events}.`))})`;

const [since, until] = [1, 2];

const inPeriod = (row: string, parameter: (place: number) => string) =>
  `${row}at >= ${parameter(since)} AND ${row}at < ${parameter(until)}`;

const isInRange = "total.span = ranges.span AND total.at >= ranges.since AND total.at < ranges.until";

const question = (place: number) => `?${place}`;
const dollar = (place: number) => `$${place}`;

const sqlite: UsageDialect = {
  parameter: question,
  ranges: `SELECT value ->> '$.period' AS period, value ->> '$.span' AS span, value ->> '$.since' AS since, value ->> '$.until' AS until
    FROM json_each(?1)`,
  uncounted: `SELECT entries.id, number AS owner, turn_id, type, at, payload AS facts, ${storedBytes} AS bytes
    FROM conversations CROSS JOIN entries ON entries.id BETWEEN ${idOf("number", "counted")} + 1 AND ${idOf("number", String(mostSeq))}
    WHERE ${ofUnfinished} AND ${isCounted} AND json_valid(payload)
      AND ${isFirst("entries", `${withinRange("other.number", { row: "original." })} AND ${placesEqual("entries", seqOf)}`)}`,
  fold: sqliteFold,
  inRange: (totals) => `${totals} AS total WHERE ${isInRange}`,
  hasChanges: false,
  owner: "number",
  ownerId: "conversation_id",
  named: "JOIN conversations ON number = owner",
};

const postgres: UsageDialect = {
  parameter: dollar,
  ranges: "SELECT * FROM json_to_recordset($1) AS given (period bigint, span bigint, since bigint, until bigint)",
  uncounted: `SELECT events.conversation_id, events.conversation_id AS owner, seq, turn_id, type, at, octet_length(payload) AS bytes,
      usage_facts(payload) AS facts
    FROM conversations JOIN events ON events.conversation_id = conversations.conversation_id AND seq > counted
    WHERE ${ofUnfinished} AND ${isCounted}
      AND ${isFirst("events", `original.conversation_id = other.conversation_id AND ${placesEqual("events", (row) => `${row}seq`)}`)} OFFSET 0`,
  fold: postgresFold,
  // Without OFFSET 0, PostgreSQL would read the whole table for each range.
  inRange: (totals) => `LATERAL (SELECT * FROM ${totals} AS total WHERE ${isInRange} OFFSET 0) AS total`,
  hasChanges: true,
  owner: "conversation_id",
  ownerId: "owner",
  named: "",
};

/** Converts `input_tokens` to `inputTokens`. */
const camelCase = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function summed({ counts }: UsageKind): string {
  return counts.map((name) => `sum(${name}) AS "${camelCase(name)}"`).join(", ");
}

function statements(dialect: UsageDialect) {
  const { parameter, ranges, uncounted, fold, inRange, hasChanges, owner, ownerId, named } = dialect;
  /** Returns the tables and queries of what is not in the totals yet. `uncountedRows`: query of the usage of uncounted events. */
  const notInTotals = ({ changes }: UsageKind, uncountedRows: string) => [
    `(${uncountedRows})`,
    ...(hasChanges ? [changes] : []),
  ];
  const byPeriod = (kind: UsageKind, folded: string) => {
    const { totals, keys, counts } = kind;
    const columns = [...keys, ...counts].join(", ");
    const others = notInTotals(kind, folded).map(
      (rows) => `
        UNION ALL SELECT period, ${columns} FROM ${rows} AS other CROSS JOIN ranges
          WHERE other.at >= ranges.since AND other.at < ranges.until`,
    );
    return `
      WITH ranges AS (${ranges})
      SELECT period AS at, ${keys.join(", ")}, ${summed(kind)}
      FROM (
        SELECT period, ${columns} FROM ranges CROSS JOIN ${inRange(totals)}
        ${others.join("")}
      ) AS used GROUP BY ${["period", ...keys].join(", ")} HAVING sum(${counts[0]}) > 0`;
  };
  const dearestFirst = (row: string) =>
    `${row}.usd DESC, ${row}."inputTokens" + ${row}."outputTokens" + ${row}."estimatedTokens" DESC, owner`;
  const modelCounts = modelKind.counts.join(", ");
  return {
    /** Query that returns rows of the type `ModelUsage`. Parameter: the JSON of `rangesOf`. */
    models: byPeriod(modelKind, fold.models(uncounted)),
    /** Query that returns rows of the type `ToolUsage`. Parameter: the JSON of `rangesOf`. */
    tools: byPeriod(toolKind, fold.tools(uncounted)),
    /** Query that returns rows of the type `ConversationUsage` and, in `lines`, the number of all conversations. Parameters: start, end, limit. */
    conversations: `
      SELECT ${ownerId} AS "conversationId", ${modelKind.counts.map((name) => `"${camelCase(name)}"`).join(", ")}, lines
      FROM (
        SELECT used.*, count(*) OVER () AS lines
        FROM (
          SELECT owner, ${summed(modelKind)}
          FROM (
            SELECT ${owner} AS owner, ${modelCounts} FROM ${modelKind.rows} WHERE ${inPeriod("", parameter)}
            UNION ALL SELECT owner, ${modelCounts} FROM (${fold.models(uncounted)}) AS fresh WHERE ${inPeriod("", parameter)}
          ) AS found GROUP BY owner
        ) AS used ORDER BY ${dearestFirst("used")} LIMIT ${parameter(3)}
      ) AS dearest ${named} ORDER BY ${dearestFirst("dearest")}`,
    /** Query that returns one row: a time before which no model was used, or null if none was ever used. */
    first: `
      SELECT min(at) AS at FROM (
        SELECT min(at) AS at FROM ${modelKind.totals} WHERE span = ${hourMs}
        ${notInTotals(modelKind, uncounted)
          .map((rows) => `UNION ALL SELECT min(at) AS at FROM ${rows} AS other`)
          .join(" ")}
      ) AS used`,
  };
}

/**
 * Returns the ranges of totals that make up these periods, as JSON. `period` is the start of the period to which a range belongs. Periods begin and
 * end with a quarter of an hour.
 */
export function rangesOf(periods: readonly Period[]): string {
  const ranges = periods.flatMap(({ since, until }) =>
    partsOf(since, until, usageSpans).map((part) => ({ period: since, ...part })),
  );
  return JSON.stringify(ranges);
}

/** Returns the parts of a period: the longest span as far as possible, shorter ones at the ends. */
function partsOf(since: number, until: number, spans: readonly number[]): (Period & { span: number })[] {
  const [span, ...shorter] = spans;
  if (span === undefined) return [];
  const [first, last] = [Math.ceil(since / span) * span, Math.floor(until / span) * span];
  if (first >= last) return partsOf(since, until, shorter);
  return [...partsOf(since, first, shorter), { span, since: first, until: last }, ...partsOf(last, until, shorter)];
}

export const usageStatements = { sqlite: statements(sqlite), postgres: statements(postgres) };

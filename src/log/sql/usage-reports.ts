import { eventTypes } from "../../core/event-facts.js";
import type { StoredEvent } from "../../core/events.js";
import { groupBy } from "../../core/lists/long-lists.js";
import type { ConversationUsage, ModelUsage, Period, ToolUsage, UsageCounters } from "../../core/usage-store.js";
import { eventOf } from "../shared/stored-event.js";
import { countUsage, hourMs, modelCounts, toolCounts, UsageChange, usageSpans } from "../shared/usage-fold.js";
import { isTypeIn, isUnfinished } from "./common-statements.js";
import { idOf, mostSeq, numberIn, seqOf, withinRange } from "./sqlite-ids.js";
import { givenUsage } from "./usage-table.js";

/** Runs a query and resolves with its rows. */
type ReadRows = <Row extends object>(sql: string, values?: readonly (string | number)[]) => Promise<Row[]>;

interface UsageDialect {
  parameter: (position: number) => string;
  /** Query of the rows of the JSON in the first parameter, see `rangesOf`. */
  ranges: string;
  given: (json: string) => string;
  /** Returns SQL that joins the rows of `usage_counts` that lie in `ranges`. Each range is looked up in the index. */
  inRange: (condition: string) => string;
  /** Query of the events of the turns that fulfil a condition. */
  eventsOfTurns: (turns: string) => string;
}

/** An event of a turn as it is read to be counted. `counted` is that of its conversation. */
export interface TurnEventRow {
  conversationId: string;
  counted: number;
  seq: number;
  at: number;
  type: string;
  turnId: string;
  position: number | null;
  payload: string;
}

/** SQL condition for the events that the counts are made of. */
const isOfUsage = isTypeIn([...eventTypes("isBilled"), "tool_sent", "tool_result"]);

const question = (position: number) => `?${position}`;
const dollar = (position: number) => `$${position}`;
const isInRange = "total.span = ranges.span AND total.at >= ranges.since AND total.at < ranges.until";

/** SQL for what a conversation has of the columns of `TurnEventRow`. */
const columns = (seq: string) =>
  `conversations.conversation_id AS "conversationId", counted, ${seq} AS seq, at, type, event.turn_id AS "turnId", position, payload`;

/** Queries of the events of a conversation that may have to be counted. Parameter: its id. */
export const eventsToCount = {
  sqlite: `SELECT ${columns(seqOf("event."))} FROM conversations CROSS JOIN entries AS event ON ${withinRange("number", { row: "event." })}
    WHERE conversations.conversation_id = ?1 AND ${isOfUsage} ORDER BY event.id`,
  postgres: `SELECT ${columns("seq")} FROM conversations JOIN events AS event USING (conversation_id)
    WHERE conversation_id = $1 AND ${isOfUsage} ORDER BY seq`,
};

const sqlite: UsageDialect = {
  parameter: question,
  ranges: `SELECT value ->> '$.period' AS period, value ->> '$.span' AS span, value ->> '$.since' AS since, value ->> '$.until' AS until
    FROM json_each(?1)`,
  given: givenUsage.sqlite,
  inRange: (condition) => `usage_counts AS total WHERE ${isInRange} AND ${condition}`,
  eventsOfTurns: (turns) => `SELECT ${columns(seqOf("event."))}
    FROM turns JOIN conversations ON number = conversation_number CROSS JOIN entries AS event
      ON event.id BETWEEN coalesce((SELECT max(id) FROM entries AS asked WHERE asked.request_id = turns.request_id
        AND ${numberIn("asked.")} = number), ${idOf("number", "0")}) AND ${idOf("number", String(mostSeq))}
    WHERE event.turn_id = turns.turn_id AND ${turns} AND ${isOfUsage} ORDER BY event.id`,
};

const postgres: UsageDialect = {
  parameter: dollar,
  ranges: "SELECT * FROM json_to_recordset($1) AS given (period bigint, span bigint, since bigint, until bigint)",
  given: givenUsage.postgres,
  // Without OFFSET 0, PostgreSQL would read the whole table for each range.
  inRange: (condition) =>
    `LATERAL (SELECT * FROM usage_counts AS total WHERE ${isInRange} AND ${condition} OFFSET 0) AS total`,
  eventsOfTurns: (turns) => `SELECT ${columns("seq")}
    FROM turns JOIN conversations USING (conversation_id) JOIN events AS event USING (conversation_id)
    WHERE event.turn_id = turns.turn_id AND ${turns} AND ${isOfUsage} AND seq >= coalesce((SELECT seq FROM events AS asked
      WHERE asked.conversation_id = turns.conversation_id AND asked.request_id = turns.request_id), 0)
    ORDER BY conversation_id, seq`,
};

/** Converts `input_tokens` to `inputTokens`. */
const camelCase = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

const summed = (counts: readonly string[]) => counts.map((name) => `sum(${name}) AS "${camelCase(name)}"`).join(", ");

function statements({ parameter, ranges, given, inRange, eventsOfTurns }: UsageDialect) {
  const isOfModels = "kind = 'model'";
  const byPeriod = (
    condition: string,
    keys: readonly string[],
    counts: readonly [string, ...string[]],
    names: string,
  ) => {
    const used = [...keys, ...counts].join(", ");
    return `
      WITH ranges AS (${ranges})
      SELECT period AS at, ${names}, ${summed(counts)}
      FROM (
        SELECT period, ${used} FROM ranges CROSS JOIN ${inRange(condition)}
        UNION ALL SELECT period, ${used} FROM (${given(parameter(2))}) AS other CROSS JOIN ranges
          WHERE other.span = 0 AND ${condition} AND other.at >= ranges.since AND other.at < ranges.until
      ) AS used GROUP BY ${["period", ...keys].join(", ")} HAVING sum(${counts[0]}) > 0`;
  };
  const inPeriod = `span = 0 AND ${isOfModels} AND at >= ${parameter(1)} AND at < ${parameter(2)}`;
  const ownCounts = `owner, ${modelCounts.join(", ")}`;
  return {
    /** Query that returns rows of the type `ModelUsage`. Parameters: the JSON of `rangesOf`, and that of what is not counted yet. */
    models: byPeriod(isOfModels, ["provider", "name"], modelCounts, "provider, name AS model"),
    /** Query that returns rows of the type `ToolUsage`. Parameters: as for `models`. */
    tools: byPeriod("kind = 'tool'", ["name"], toolCounts, "name"),
    /**
     * Query that returns rows of the type `ConversationUsage` and, in `lines`, the number of all conversations. Parameters: start, end, limit, and
     * the JSON of what is not counted yet.
     */
    conversations: `
      SELECT used.*, count(*) OVER () AS lines
      FROM (
        SELECT owner AS "conversationId", ${summed(modelCounts)}
        FROM (SELECT ${ownCounts} FROM usage_counts WHERE ${inPeriod}
          UNION ALL SELECT ${ownCounts} FROM (${given(parameter(4))}) AS other WHERE ${inPeriod}) AS found
        GROUP BY owner
      ) AS used
      ORDER BY usd DESC, "inputTokens" + "outputTokens" + "estimatedTokens" DESC, "conversationId" LIMIT ${parameter(3)}`,
    /** Query that returns one row: a time before which no model was used, or null if none was ever used. Parameter: what is not counted yet. */
    first: `SELECT min(at) AS at FROM (
        SELECT min(at) AS at FROM usage_counts WHERE span = ${hourMs} AND ${isOfModels}
        UNION ALL SELECT min(at) AS at FROM (${given(parameter(1))}) AS other WHERE ${isOfModels}
      ) AS used`,
    unfinished: eventsOfTurns(isUnfinished),
    /** Query of the events of one turn. Parameters: conversation, turn. */
    turn: eventsOfTurns(`turns.conversation_id = ${parameter(1)} AND turns.turn_id = ${parameter(2)}`),
  };
}

/**
 * Returns the ranges of totals that make up these periods, as JSON. `period` is the start of the period to which a range belongs. Periods begin and
 * end with a quarter of an hour.
 */
function rangesOf(periods: readonly Period[]): string {
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

/** Parses an event that was read to be counted. */
export function eventToCount({ payload, seq, at, type, turnId }: TurnEventRow): StoredEvent {
  return eventOf(payload, { seq, at, type, turnId });
}

/** The reports of `UsageCounters`, read from the table. */
export class UsageReports implements UsageCounters {
  readonly #statements: (typeof usageStatements)["sqlite"];
  readonly #rows: ReadRows;

  constructor(statements: (typeof usageStatements)["sqlite"], rows: ReadRows) {
    this.#statements = statements;
    this.#rows = rows;
  }

  async models(periods: readonly Period[]): Promise<ModelUsage[]> {
    return this.#rows(this.#statements.models, [rangesOf(periods), await this.#uncounted()]);
  }

  async tools(periods: readonly Period[]): Promise<ToolUsage[]> {
    return this.#rows(this.#statements.tools, [rangesOf(periods), await this.#uncounted()]);
  }

  async conversations({ since, until }: Period, most: number) {
    const { conversations } = this.#statements;
    const values = [since, until, most, await this.#uncounted()];
    const rows = await this.#rows<ConversationUsage & { lines: number }>(conversations, values);
    return { conversations: rows.map(({ lines: _, ...row }) => row), all: rows[0]?.lines ?? 0 };
  }

  async first(): Promise<number | undefined> {
    const [row] = await this.#rows<{ at: number | null }>(this.#statements.first, [await this.#uncounted()]);
    return row?.at ?? undefined;
  }

  /** Returns the usage of unfinished turns that is not counted yet, as `UsageChange.toJson` does. */
  async #uncounted(): Promise<string> {
    const rows = await this.#rows<TurnEventRow>(this.#statements.unfinished);
    const change = new UsageChange();
    for (const [conversationId, own] of groupBy(rows, (row) => row.conversationId)) {
      const counted = own[0]?.counted ?? 0;
      change.add(
        conversationId,
        countUsage(own.map(eventToCount), ({ seq }) => seq > counted),
      );
    }
    return change.toJson();
  }
}

/** SQL of usage from the log: the same statements for both databases. */
import { jsonOf } from "./postgres/events.js";
import { quarterMs } from "./spent.js";
import { idOf, numberIn } from "./sqlite-place.js";

interface Dialect {
  /** Field of an event's payload, as text or as a number. */
  text: (event: string, ...path: string[]) => string;
  number: (event: string, ...path: string[]) => string;
  bytes: (event: string) => string;
  /** Events of these kinds in the period, each once: a copy has the turn and position of its original. Old logs have no positions. */
  once: (kinds: string) => string;
  /**
   * Summaries (`compaction`) of turns with an answer in the period, each once. No index has the times of summaries. A summary is found from
   * its turn's first answer, before which it is stored with at most questions in between.
   */
  summaries: string;
  /** Returns a condition: the event comes before another one of its conversation. */
  before: (event: string, other: string) => string;
  /** Column that orders a conversation's events and lets them be read backwards. */
  order: (event: string) => string;
  isError: string;
}

const place = "turn_id, coalesce(position, -seq)";
/** Returns a condition that repeats `kinds` as in the partial index of answers, so that the index is used. */
const inPeriod = (kinds: string, since: string, until: string) => `${kinds} AND at >= ${since} AND at < ${until}`;

/** Most events between a summary and the answer after it: a question and its answer for each limit. */
const mostBetween = 20;
const summarised = (since: string, until: string) =>
  `answered.type = 'assistant_message' AND answered.at >= ${since} AND answered.at < ${until}
    AND summary.type = 'compaction' AND summary.turn_id = answered.turn_id`;
const summaryPlace = "summary.turn_id, coalesce(summary.position, -summary.seq)";

const sqlite: Dialect = {
  text: (event, ...path) => `json_extract(${event}.payload, '$.${path.join(".")}')`,
  number: (event, ...path) => `json_extract(${event}.payload, '$.${path.join(".")}')`,
  bytes: (event) => `length(CAST(${event}.payload AS BLOB))`,
  once: (kinds) => `(SELECT min(id), * FROM events WHERE ${inPeriod(kinds, "?1", "?2")} GROUP BY ${place})`,
  summaries: `(SELECT min(summary.id), summary.* FROM events AS answered JOIN events AS summary
      ON summary.id BETWEEN answered.id - ${mostBetween + 1} AND answered.id - 1
    WHERE ${summarised("?1", "?2")} GROUP BY ${summaryPlace})`,
  before: (event, other) => `${event}.id >= ${idOf(numberIn(`${other}.`), "0")} AND ${event}.id < ${other}.id`,
  order: (event) => `${event}.id`,
  isError: "json_extract(called.payload, '$.isError')",
};

const postgres: Dialect = {
  text: (event, ...path) => `${jsonOf(`${event}.payload`)} #>> '{${path.join(",")}}'`,
  number: (event, ...path) => `(${jsonOf(`${event}.payload`)} #>> '{${path.join(",")}}')::float8`,
  bytes: (event) => `octet_length(${event}.payload)`,
  once: (kinds) =>
    `(SELECT DISTINCT ON (${place}) * FROM events WHERE ${inPeriod(kinds, "$1", "$2")} ORDER BY ${place}, id)`,
  summaries: `(SELECT DISTINCT ON (${summaryPlace}) summary.* FROM events AS answered JOIN events AS summary
      ON summary.conversation_id = answered.conversation_id
      AND summary.seq BETWEEN answered.seq - ${mostBetween + 1} AND answered.seq - 1
    WHERE ${summarised("$1", "$2")} ORDER BY ${summaryPlace}, summary.id)`,
  before: (event, other) => `${event}.conversation_id = ${other}.conversation_id AND ${event}.seq < ${other}.seq`,
  order: (event) => `${event}.seq`,
  isError: `(${jsonOf("called.payload")} ->> 'isError')::boolean::integer`,
};

const quarterOf = (event: string) =>
  `${event}.at / ${quarterMs} * ${quarterMs} AS at, ${event}.conversation_id AS "conversationId"`;

/** Returns the statements. Their two parameters are the period's start and its end, which is excluded. */
function statements({ text, number, bytes, once, summaries, before, order, isError }: Dialect) {
  const sum = (name: string, value: string) => `coalesce(sum(${value}), 0.0) AS "${name}"`;
  const used = (field: string) => number("answer", "usage", field);
  const [tokens, usd] = [number("answer", "spent", "tokens"), number("answer", "spent", "usd")];
  return {
    /** One row: `SpentTotals`. */
    spent: `
      SELECT ${sum("tokens", tokens)}, ${sum("usd", usd)}, count(${tokens}) - count(${usd}) AS unpriced,
        count(${text("answer", "spent", "estimated")}) AS estimated
      FROM (SELECT payload FROM ${once("type = 'assistant_message'")} AS answers
        UNION ALL SELECT payload FROM ${summaries} AS summaries) AS answer`,
    /** Rows: `ModelUsage`. */
    models: `
      SELECT ${quarterOf("answer")}, ${text("answer", "provider")} AS provider, ${text("answer", "model")} AS model,
        count(*) AS requests, ${sum("inputTokens", used("inputTokens"))}, ${sum("outputTokens", used("outputTokens"))},
        ${sum("reasoningTokens", used("reasoningTokens"))}, ${sum("cachedTokens", used("cachedTokens"))},
        ${sum("cacheWriteTokens", used("cacheWriteTokens"))},
        ${sum("estimatedTokens", `CASE WHEN ${used("inputTokens")} IS NULL THEN ${tokens} END`)},
        ${sum("usd", usd)}, count(*) - count(${usd}) AS unpriced
      FROM ${once("type IN ('assistant_message', 'compaction')")} AS answer GROUP BY 1, 2, 3, 4`,
    /** Rows: `ToolUsage`. */
    tools: `
      SELECT at, "conversationId", name, count(*) AS calls, sum(failed) AS errors, sum("durationMs") AS "durationMs",
        sum(bytes) AS "resultBytes"
      FROM (SELECT ${quarterOf("called")}, ${text("called", "name")} AS name, coalesce(${isError}, 0) AS failed,
          ${bytes("called")} AS bytes, called.at - (
            SELECT sent.at FROM events AS sent WHERE sent.type = 'tool_sent' AND ${before("sent", "called")}
              AND sent.turn_id = called.turn_id AND ${text("sent", "callId")} = ${text("called", "callId")}
            ORDER BY ${order("sent")} DESC LIMIT 1
          ) AS "durationMs"
        FROM ${once("type = 'tool_result'")} AS called) AS results
      WHERE "durationMs" IS NOT NULL GROUP BY 1, 2, 3`,
  };
}

export const usageStatements = { sqlite: statements(sqlite), postgres: statements(postgres) };

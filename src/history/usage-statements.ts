/** What was used, from the log: the same statements for both databases. */
import { jsonOf } from "./postgres/events.js";
import { quarterMs } from "./spent.js";
import { idOf, numberIn } from "./sqlite-place.js";

interface Dialect {
  /** A field of an event's payload, as text or as a number. */
  text: (event: string, ...path: string[]) => string;
  number: (event: string, ...path: string[]) => string;
  bytes: (event: string) => string;
  /** The events of these kinds in the period, each once: a copied one has the turn and the place of the first one; logs of old have no places. */
  once: (kinds: string) => string;
  /**
   * The summaries (`compaction`) of turns with an answer in the period, each once. A summary is stored before its turn's first answer, with
   * questions between them at most: so it is found from the answer, since no index has the times of summaries.
   */
  summaries: string;
  /** Whether an event comes before another one of its conversation. */
  before: (event: string, other: string) => string;
  /** By which the events of a conversation are in their order, and can be read backwards. */
  order: (event: string) => string;
  isError: string;
}

const place = "turn_id, coalesce(position, -seq)";
/** `kinds` as the partial index of answers has it, so that it is used. */
const inPeriod = (kinds: string, since: string, until: string) => `${kinds} AND at >= ${since} AND at < ${until}`;

/** Events that may be between a summary and the answer after it: a question and its answer for each limit. */
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

/** The two parameters are the period's times; the second is no part of it. */
function statements({ text, number, bytes, once, summaries, before, order, isError }: Dialect) {
  const sum = (name: string, value: string) => `coalesce(sum(${value}), 0.0) AS "${name}"`;
  const used = (field: string) => number("answer", "usage", field);
  const [tokens, usd] = [number("answer", "spent", "tokens"), number("answer", "spent", "usd")];
  return {
    /** A row: `SpentTotals`. */
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

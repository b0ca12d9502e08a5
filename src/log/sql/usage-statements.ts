/** SQL statements that compute usage from the log. They are the same for both databases, apart from the expressions in `UsageDialect`. */

import { quarterMs } from "../shared/spent.js";
import { isUnfinished } from "./common-statements.js";
import { jsonOf } from "./postgres-json.js";
import { idOf, numberIn, seqOf, withinRange } from "./sqlite-place.js";

interface UsageDialect {
  /** Returns SQL for a field of an event's payload: `text` as text, `number` as a number. */
  text: (event: string, ...path: string[]) => string;
  number: (event: string, ...path: string[]) => string;
  bytes: (event: string) => string;
  /**
   * SQL for the answers in the period, found by the index of their times. A copied event is counted only once: a copy and its original have
   * the same turn and position. Events of old logs have no position, so their `seq` is used.
   */
  answers: string;
  /** Returns SQL for the events of these kinds in the period, each counted only once. Reads the conversations that `isActive` finds. */
  once: (kinds: string) => string;
  /**
   * SQL for the summaries (`compaction` events) of the period. There is no index of the times of summaries, so each summary is found from the
   * model's next answer in the same turn: it belongs to the period if that answer does, and `at` is the time of that answer. Between a summary
   * and that answer there can only be questions to the person, and the person's replies. A copied summary is counted only once.
   */
  summaries: string;
  /** Returns an SQL condition: `event` comes before `other` in the same conversation. */
  before: (event: string, other: string) => string;
  /** Returns the column by which the events of a conversation are sorted. An index allows sorting in both directions. */
  order: (event: string) => string;
  isError: string;
}

const place = "turn_id, coalesce(position, -seq)";
/** Time, in ms, for which conversations before the period are read too, because the clock may have been set back while they were written. */
const setBackMs = 60 * 60 * 1000;
/**
 * Returns an SQL condition: the conversation may have events since the given time. Events of a running turn do not change `updated_at`, so
 * conversations with an unfinished turn are included. With OR in place of UNION, PostgreSQL would expect half of the log, and read all of it.
 */
const isActive = (since: string) => `conversation_id IN (
        SELECT conversation_id FROM conversations WHERE updated_at >= CAST(${since} AS bigint) - ${setBackMs}
        UNION SELECT conversation_id FROM turns WHERE ${isUnfinished})`;
/** SQL condition, written exactly as in the partial index of answers, so that the index is used. */
const isAnswer = "type = 'assistant_message'";
const inPeriod = (kinds: string, since: string, until: string) => `${kinds} AND at >= ${since} AND at < ${until}`;

/**
 * Maximum number of events between a summary and the model's answer after it. Each limit that is reached in between adds at most two: a
 * question and the person's answer.
 */
const mostBetween = 20;
/** `between`: SQL condition that an event `earlier` lies between the summary and the answer. */
const summarised = (since: string, until: string, between: string) =>
  `answered.type = 'assistant_message' AND answered.at >= ${since} AND answered.at < ${until}
    AND summary.type = 'compaction' AND summary.turn_id = answered.turn_id
    AND NOT EXISTS (SELECT 1 FROM events AS earlier WHERE ${between}
      AND earlier.type = 'assistant_message' AND earlier.turn_id = answered.turn_id)`;
const summaryPlace = "summary.turn_id, coalesce(summary.position, -summary.seq)";
const summaryColumns = "summary.turn_id, summary.position, summary.seq, summary.payload, answered.at";

const betweenSeqs =
  "earlier.conversation_id = answered.conversation_id AND earlier.seq > summary.seq AND earlier.seq < answered.seq";

const sqlite: UsageDialect = {
  text: (event, ...path) => `json_extract(${event}.payload, '$.${path.join(".")}')`,
  number: (event, ...path) => `json_extract(${event}.payload, '$.${path.join(".")}')`,
  bytes: (event) => `length(CAST(${event}.payload AS BLOB))`,
  answers: `(SELECT min(id), * FROM events WHERE ${inPeriod(isAnswer, "?1", "?2")} GROUP BY ${place})`,
  // The inner query reads no payloads: SQLite sorts by copying all columns that it reads.
  once: (kinds) => `(SELECT * FROM events WHERE id IN (
      SELECT min(id) FROM conversations CROSS JOIN entries ON ${withinRange("number")}
      WHERE ${isActive("?1")} AND ${inPeriod(kinds, "?1", "?2")} GROUP BY turn_id, coalesce(position, -${seqOf()})))`,
  // SQLite keeps the order of a CROSS JOIN: it searches the few events before each answer.
  summaries: `(SELECT min(summary.id), ${summaryColumns} FROM events AS answered CROSS JOIN events AS summary
      ON summary.id BETWEEN answered.id - ${mostBetween + 1} AND answered.id - 1
    WHERE ${summarised("?1", "?2", "earlier.id BETWEEN summary.id + 1 AND answered.id - 1")} GROUP BY ${summaryPlace})`,
  before: (event, other) => `${event}.id >= ${idOf(numberIn(`${other}.`), "0")} AND ${event}.id < ${other}.id`,
  order: (event) => `${event}.id`,
  isError: "json_extract(called.payload, '$.isError')",
};

const postgres: UsageDialect = {
  text: (event, ...path) => `${jsonOf(`${event}.payload`)} #>> '{${path.join(",")}}'`,
  number: (event, ...path) => `(${jsonOf(`${event}.payload`)} #>> '{${path.join(",")}}')::float8`,
  bytes: (event) => `octet_length(${event}.payload)`,
  answers: `(SELECT DISTINCT ON (${place}) * FROM events WHERE ${inPeriod(isAnswer, "$1", "$2")} ORDER BY ${place}, id)`,
  once: (kinds) => `(SELECT DISTINCT ON (${place}) * FROM events
      WHERE ${isActive("$1")} AND ${inPeriod(kinds, "$1", "$2")}
      ORDER BY ${place}, id)`,
  summaries: `(SELECT DISTINCT ON (${summaryPlace}) ${summaryColumns} FROM events AS answered JOIN events AS summary
      ON summary.conversation_id = answered.conversation_id
      AND summary.seq BETWEEN answered.seq - ${mostBetween + 1} AND answered.seq - 1
    WHERE ${summarised("$1", "$2", betweenSeqs)} ORDER BY ${summaryPlace}, summary.id)`,
  before: (event, other) => `${event}.conversation_id = ${other}.conversation_id AND ${event}.seq < ${other}.seq`,
  order: (event) => `${event}.seq`,
  isError: `(${jsonOf("called.payload")} ->> 'isError')::boolean::integer`,
};

const quarterOf = (event: string) =>
  `${event}.at / ${quarterMs} * ${quarterMs} AS at, ${event}.conversation_id AS "conversationId"`;

/** Returns the statements. Each has two parameters: the start of the period, and its end. The end itself is not part of the period. */
function statements({ text, number, bytes, answers, once, summaries, before, order, isError }: UsageDialect) {
  const sum = (name: string, value: string) => `coalesce(sum(${value}), 0.0) AS "${name}"`;
  const used = (field: string) => number("answer", "usage", field);
  const [tokens, usd] = [number("answer", "spent", "tokens"), number("answer", "spent", "usd")];
  const paid = `(SELECT turn_id, position, seq, payload, at FROM ${answers} AS answers
        UNION ALL SELECT turn_id, position, seq, payload, at FROM ${summaries} AS summaries) AS answer`;
  return {
    /** Query that returns one row, of the type `SpentTotals`. */
    spent: `
      SELECT ${sum("tokens", tokens)}, ${sum("usd", usd)}, count(${tokens}) - count(${usd}) AS unpriced,
        count(${text("answer", "spent", "estimated")}) AS estimated
      FROM ${paid}`,
    /** Query that returns rows of the type `Spending`. */
    spendings: `
      SELECT turn_id || ' ' || coalesce(position, -seq) AS place, at, coalesce(${tokens}, 0.0) AS tokens, coalesce(${usd}, 0.0) AS usd,
        CASE WHEN ${tokens} IS NOT NULL AND ${usd} IS NULL THEN 1 ELSE 0 END AS unpriced,
        CASE WHEN ${text("answer", "spent", "estimated")} IS NOT NULL THEN 1 ELSE 0 END AS estimated
      FROM ${paid}`,
    /** Query that returns rows of the type `ModelUsage`. */
    models: `
      SELECT ${quarterOf("answer")}, ${text("answer", "provider")} AS provider, ${text("answer", "model")} AS model,
        count(*) AS requests, ${sum("inputTokens", used("inputTokens"))}, ${sum("outputTokens", used("outputTokens"))},
        ${sum("reasoningTokens", used("reasoningTokens"))}, ${sum("cachedTokens", used("cachedTokens"))},
        ${sum("cacheWriteTokens", used("cacheWriteTokens"))},
        ${sum("estimatedTokens", `CASE WHEN ${used("inputTokens")} IS NULL THEN ${tokens} END`)},
        ${sum("usd", usd)}, count(*) - count(${usd}) AS unpriced
      FROM ${once("type IN ('assistant_message', 'compaction')")} AS answer GROUP BY 1, 2, 3, 4`,
    /** Query that returns rows of the type `ToolUsage`. */
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

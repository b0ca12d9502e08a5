/** SQL that counts the usage of events: the fold that the counters (`usage-tables.ts`) must equal. */

import { eventTypes } from "../../core/event-facts.js";
import { mostOfRequest } from "../../core/token-usage.js";
import { keyLength, quarterMs } from "../shared/spent.js";
import { isTypeIn } from "./common-statements.js";
import { jsonOf } from "./postgres-json.js";
import { idOf, numberIn } from "./sqlite-place.js";

/** SQL condition for the events that are counted. */
export const isCounted = isTypeIn([...eventTypes("isBilled"), "tool_result"]);

/**
 * SQL for the identity of an event. A copy and its original have the same. Events of old logs have no position, so their `seq` is used. A failed
 * turn may continue both in a conversation and in its copy: the times tell these events apart.
 */
export const placeOf = (row: string, seq: string) => `${row}turn_id, coalesce(${row}position, -${seq}), ${row}at`;

/**
 * Returns SQL for a number of tokens or dollars. The value is NULL if `isAmount` does not hold: an earlier version stored whatever providers
 * reported. Sums of such numbers overflow, and SQLite's integers above 2^53 cannot be read.
 */
const amount = (number: string, asFloat: string) =>
  `CASE WHEN ${number} BETWEEN 0 AND ${mostOfRequest} THEN ${asFloat} END`;
export const sqliteAmount = (value: string) => amount(value, `CAST(${value} AS real)`);
/** From a column with the number. */
export const postgresAmountIn = (column: string) => amount(column, column);

interface FoldDialect {
  /** Returns SQL for a field of `event.facts`: `text` as text, `number` as a number. */
  text: (...path: string[]) => string;
  number: (...path: string[]) => string;
  /** SQL that joins `event` with its answers, see `answersBilled`. `answer.value` is NULL if the event itself is the only one. */
  answers: string;
  /** Returns SQL for a number of tokens or dollars, from a column with what `number` returns. */
  amountIn: (column: string) => string;
  /** End of a subquery whose columns shall be computed once, even if the outer query uses them several times. */
  once: string;
  isError: string;
  /** SQL of a query of the events before `event` in its conversation, from `FROM` on. */
  before: string;
  /** SQL for the id of the call that the event `sent` has sent. */
  sentCallId: string;
  /** Column that orders the events of a conversation. */
  order: string;
}

/**
 * Returns SQL that counts events. `events`: a query of the events with the columns `owner`, `turn_id`, `type`, `at`, `facts` (the
 * payload as JSON), `bytes` (its size), and `id` (SQLite) or `conversation_id` and `seq` (PostgreSQL).
 */
interface Fold {
  /** SQL for the usage of models. Columns: `owner`, `at` (start of a quarter of an hour), then the keys and counts of `modelKind`. */
  models: (events: string) => string;
  /** SQL for the usage of tools. Only calls that were sent count. Their time is that from the sending to the result. */
  tools: (events: string) => string;
}

const quarter = `event.at / ${quarterMs} * ${quarterMs} AS at`;

function fold({ text, number, answers, amountIn, once, isError, before, sentCallId, order }: FoldDialect): Fold {
  const sum = (name: string, value: string) => `coalesce(sum(${value}), 0.0) AS ${name}`;
  const key = (field: string) => `substr(coalesce(${text(field)}, ''), 1, ${keyLength}) AS ${field}`;
  const used = (field: string, name: string) => `${number("usage", field)} AS ${name}`;
  const [input, usd] = [amountIn("input_tokens"), amountIn("usd")];
  return {
    models: (events) => `
      SELECT owner, at, provider, model, ${sum("requests", "1.0")}, ${sum("input_tokens", input)},
        ${["output_tokens", "reasoning_tokens", "cached_tokens", "cache_write_tokens"].map((name) => sum(name, amountIn(name))).join(", ")},
        ${sum("estimated_tokens", `CASE WHEN ${input} IS NULL THEN ${amountIn("tokens")} END`)},
        ${sum("usd", usd)}, ${sum("unpriced", `CASE WHEN ${usd} IS NULL THEN 1.0 END`)}
      FROM (SELECT owner, ${quarter}, ${key("provider")}, ${key("model")}, ${used("inputTokens", "input_tokens")},
          ${used("outputTokens", "output_tokens")}, ${used("reasoningTokens", "reasoning_tokens")}, ${used("cachedTokens", "cached_tokens")},
          ${used("cacheWriteTokens", "cache_write_tokens")}, ${number("spent", "tokens")} AS tokens, ${number("spent", "usd")} AS usd
        FROM (SELECT owner, event.at, coalesce(answer.value, event.facts) AS facts
          FROM (${events}) AS event ${answers} WHERE event.type <> 'tool_result') AS event${once}) AS used GROUP BY 1, 2, 3, 4`,
    // The search for the call ends at the request of its turn, so that it does not read the whole conversation.
    tools: (events) => `
      SELECT owner, at, name, ${sum("calls", "1.0")}, ${sum("errors", "failed")}, ${sum("duration_ms", "duration_ms")},
        ${sum("result_bytes", "bytes")}
      FROM (SELECT owner, ${quarter}, ${key("name")}, coalesce(${isError}, 0) AS failed, bytes, event.at - (
            SELECT CASE sent.type WHEN 'tool_sent' THEN sent.at END FROM ${before} AND sent.turn_id = event.turn_id
              AND (sent.type = 'user_message' OR sent.type = 'tool_sent' AND ${sentCallId} = ${text("callId")})
            ORDER BY ${order} DESC LIMIT 1
          ) AS duration_ms
        FROM (${events}) AS event WHERE event.type = 'tool_result') AS results
      WHERE duration_ms IS NOT NULL GROUP BY 1, 2, 3`,
  };
}

const sqliteJson = (row: string, path: readonly string[]) => `json_extract(${row}, '$.${path.join(".")}')`;

export const sqliteFold = fold({
  text: (...path) => sqliteJson("event.facts", path),
  number: (...path) => sqliteJson("event.facts", path),
  answers: "LEFT JOIN json_each(event.facts, '$.billed') AS answer",
  amountIn: sqliteAmount,
  once: "",
  isError: sqliteJson("event.facts", ["isError"]),
  before: `entries AS sent WHERE sent.id >= ${idOf(numberIn("event."), "0")} AND sent.id < event.id`,
  sentCallId: sqliteJson("sent.payload", ["callId"]),
  order: "sent.id",
});

const postgresJson = (path: readonly string[]) => `event.facts #>> '{${path.join(",")}}'`;

export const postgresFold = fold({
  text: (...path) => `(${postgresJson(path)})`,
  number: (...path) => `(${postgresJson(path)})::float8`,
  answers: "LEFT JOIN LATERAL jsonb_array_elements(event.facts -> 'billed') AS answer (value) ON true",
  amountIn: postgresAmountIn,
  once: " OFFSET 0",
  isError: `(${postgresJson(["isError"])})::boolean::integer`,
  before: "events AS sent WHERE sent.conversation_id = event.conversation_id AND sent.seq < event.seq",
  sentCallId: `(${jsonOf("sent.payload")} ->> 'callId')`,
  order: "sent.seq",
});

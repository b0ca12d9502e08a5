/** SQL statements of the most frequent operations, and the types of their rows. Each statement is one round trip. */

import { foldVersion } from "../shared/schema-version.js";
import { isFork, isMark, isUnfinished } from "../sql/common-statements.js";
import { jsonOf } from "../sql/postgres-json.js";
import { addSpentTotals } from "../sql/usage-table.js";
import { eventsOf } from "./event-table.js";
import { logChannel } from "./notices.js";
import { enqueue } from "./turns.js";

export const notify = `SELECT pg_notify('${logChannel}', $1)`;

/**
 * Result of a claim. If the message was stored, `seq` is its position. If the request id was already known, only `turn_id` is set. If the
 * message cannot continue its event (`canContinue`), nothing is set.
 */
export interface ClaimRow {
  seq: number | null;
  turn_id: string | null;
  /** Fence of the turn's lease, if the claim has acquired the turn. */
  fence: number | null;
}

/** SQL condition: node $7 acquires the new turn at once, because no earlier turn of the conversation is unfinished. */
const acquires = `$12::boolean AND NOT EXISTS (SELECT FROM turns WHERE conversation_id = $1 AND (${isUnfinished} OR fold > ${foldVersion}))`;

/**
 * Parameters: conversation, turn, type, request, payload, time, node, workspace, options, notice, event that is continued (or null), whether
 * to acquire the turn. A turn that is acquired at once is not announced: no host waits for a turn of this conversation.
 */
export const claim = `
  WITH known AS (SELECT turn_id FROM events WHERE conversation_id = $1 AND request_id = $4),
  followed AS (
    SELECT WHERE $11::integer IS NOT NULL AND NOT EXISTS (SELECT FROM events WHERE conversation_id = $1 AND seq = $11::integer)
    UNION ALL SELECT FROM events WHERE conversation_id = $1 AND seq > $11::integer AND request_id IS NOT NULL
    UNION ALL SELECT FROM events WHERE conversation_id = $1 AND seq > $11::integer AND ${isMark("events")}
  ),
  first AS (
    INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
    SELECT $1, ${eventsOf.nextSeq}, $2, $3, $4, $5, $6::bigint, 1
    WHERE NOT EXISTS (SELECT FROM known) AND NOT EXISTS (SELECT FROM followed) RETURNING seq
  ),
  queued AS (${enqueue(["$1", "$2", "$4", "$7", "$8", "$9"], "FROM first", acquires)}
    RETURNING CASE state WHEN 'running' THEN fence END AS fence)
  SELECT first.seq, known.turn_id, queued.fence, CASE WHEN first.seq IS NOT NULL AND queued.fence IS NULL THEN pg_notify('${logChannel}', $10) END
  FROM (SELECT) AS one LEFT JOIN first ON true LEFT JOIN queued ON true LEFT JOIN known ON true`;

/** Queues a turn again. Parameters: conversation, turn, request, node, workspace, options, notice. */
export const reopen = `${enqueue(["$1", "$2", "$3", "$4", "$5", "$6"])} RETURNING pg_notify('${logChannel}', $7)`;

/**
 * One stored event in the result of an append; the rows are in order. `payload` is set if the same lease had already stored an event at
 * this position. If there are no rows, another host owns the turn.
 */
export interface AppendRow {
  seq: number;
  at: number | null;
  payload: string | null;
}

/**
 * Returns the SQL that appends events to a turn. Parameters: conversation, turn, types, payloads, time, first position, fence, then the values of
 * `spentValues`, or nulls. If the events end the turn, its new state is a further parameter.
 */
const appended = (ending: string) => `
  WITH held AS (
    SELECT FROM turns WHERE conversation_id = $1 AND turn_id = $2 AND fence = $7 AND state = 'running' FOR NO KEY UPDATE
  ),
  there AS (
    SELECT seq, at, payload FROM events WHERE conversation_id = $1 AND turn_id = $2 AND position >= $6
      AND seq > coalesce((SELECT seq FROM events WHERE conversation_id = $1 AND turn_id = $2 AND position < $6 ORDER BY seq DESC LIMIT 1), 0)
      AND EXISTS (SELECT FROM turns WHERE conversation_id = $1 AND turn_id = $2 AND fence = $7)
  ),
  stored AS (
    INSERT INTO events (conversation_id, seq, turn_id, type, payload, at, position)
    SELECT $1, next.seq + event.place::integer - 1, $2, event.type, event.payload, $5::bigint, $6::integer + event.place::integer - 1
    FROM ${eventsOf.nextSeq} AS next (seq), unnest($3::text[], $4::text[]) WITH ORDINALITY AS event (type, payload, place)
    WHERE EXISTS (SELECT FROM held) AND NOT EXISTS (SELECT FROM there) RETURNING seq
  ),
  billed AS (${addSpentTotals(`SELECT $8::bigint, $9::text, $10::float8, $11::float8, $12::float8, $13::float8
    WHERE $8 IS NOT NULL AND EXISTS (SELECT FROM stored)`)})${ending}
  SELECT seq, at, payload FROM there UNION ALL SELECT seq, NULL, NULL FROM stored ORDER BY seq`;

export const append = appended("");
/**
 * The row of a turn that has ended is kept until the next one of the conversation ends: it has the conversation's `fold`, and the writer may
 * repeat the statement. The options are not kept, because a failed turn that is queued again gets those of the repeated request.
 */
export const appendEnd = appended(`,
  ended AS (
    UPDATE turns SET state = $14, node_id = NULL, options = 'null'
    WHERE conversation_id = $1 AND turn_id = $2 AND EXISTS (SELECT FROM stored)
  ),
  removed AS (
    DELETE FROM turns WHERE conversation_id = $1 AND turn_id <> $2 AND state = 'ended' AND fold <= ${foldVersion}
      AND EXISTS (SELECT FROM stored)
  ),
  forgotten AS (DELETE FROM mail WHERE conversation_id = $1 AND turn_id = $2 AND EXISTS (SELECT FROM stored))`);

/** SQL for the ids of all conversations that have been copied. */
export const originsOf = `SELECT origin.value AS origin FROM events AS fork,
  json_array_elements_text(${jsonOf("fork.payload")} -> 'origins') AS origin WHERE ${isFork("fork")}`;

/**
 * Begins a task that all hosts share: task $1, which is due every $2 ms. Returns a row if the task was due and has begun. A task that has begun in
 * the future is due, because the database's clock was set back.
 */
export const begin = `INSERT INTO tasks (name, begun_at) VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
  ON CONFLICT (name) DO UPDATE SET begun_at = excluded.begun_at
    WHERE tasks.begun_at NOT BETWEEN excluded.begun_at - $2::bigint + 1 AND excluded.begun_at RETURNING 1`;

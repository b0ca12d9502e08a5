/** Histories of single API calls. Each function needs a transaction that holds the lock of the conversation. */
import type pg from "pg";
import { isOfSingleCall } from "../../core/ids.js";
import {
  type CallWithHistory,
  type HistoryEvent,
  hashBytes,
  historyRows,
  messageHash,
  messageOfRow,
} from "../shared/call-history.js";
import { foldVersion } from "../shared/schema-version.js";
import { deleteHistory, earlierOf, type ReferringRow } from "../sql/history-statements.js";

/** SQL for the messages before the one in a row of `events`. */
export const earlier = `${earlierOf("events", { events: "events", array: "json_build_array", list: "json_agg" })}::text`;

interface KnownRow {
  /** Number of messages that already have rows. */
  known: number;
  /** The row of the last of them, or 0. */
  parent: number;
  isRepeated: boolean;
  /** Ids for the rows of the other messages. */
  ids: string[];
  said: string | null;
}

/**
 * Finds the rows of the messages that are known, and the events of the latest call that ended with the last of them. Deletes the row of that
 * call's turn: the caller has its answer, so no host will repeat the statement that ended the turn (`appendEnd`). Parameters: conversation,
 * hashes of the messages, number of messages.
 */
const findKnown = `
  WITH RECURSIVE known (depth, above, id) AS (
    SELECT 0, 0::bigint, 0::bigint
    UNION ALL SELECT depth + 1, id, (SELECT min(next.id) FROM history_messages AS next
        WHERE next.parent = known.id AND next.hash = substring($2::bytea FROM ${hashBytes} * depth + 1 FOR ${hashBytes}))
      FROM known WHERE id IS NOT NULL AND depth < $3::integer),
  deepest AS (SELECT * FROM known WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1),
  own AS (
    SELECT asked.conversation_id, asked.turn_id, asked.seq FROM deepest
      JOIN history_messages AS last ON last.parent = above AND last.message IS NULL
        AND last.hash = substring($2::bytea FROM ${hashBytes} * (depth - 1) + 1 FOR ${hashBytes})
      JOIN events AS asked ON asked.id = last.event
    WHERE depth BETWEEN 1 AND $3::integer - 1 ORDER BY last.id DESC LIMIT 1),
  ended AS (DELETE FROM turns USING own WHERE turns.conversation_id = own.conversation_id AND turns.turn_id = own.turn_id
    AND state = 'ended' AND fold <= ${foldVersion})
  SELECT depth AS known, id AS parent, EXISTS (SELECT FROM events WHERE conversation_id = $1) AS "isRepeated",
    ARRAY(SELECT nextval('history_messages_id_seq') FROM generate_series(depth + 1, $3::integer)) AS ids,
    (SELECT json_agg(json_build_array(said.id, said.payload) ORDER BY said.seq)::text FROM own JOIN events AS said USING (conversation_id, turn_id)
       WHERE said.seq > own.seq AND said.type IN ('assistant_message', 'tool_result')) AS said
  FROM deepest`;

/**
 * While an API call stores its history, no rows may be deleted on which it builds. Calls share this lock. A deletion takes it alone. The
 * seed differs from that of the locks of conversations.
 */
const historyLock = "hashtextextended('history_messages', 1)";

/**
 * Stores those messages of the call that are new, except its last message. Resolves with the row of the message before the last one.
 * Undefined if the conversation already exists; nothing is stored then.
 */
export async function keepHistory(
  client: pg.ClientBase,
  conversationId: string,
  { earlier: messages }: CallWithHistory,
): Promise<number | undefined> {
  const hashes = messages.map(messageHash);
  const [, { rows }] = await Promise.all([
    client.query(`SELECT pg_advisory_xact_lock_shared(${historyLock})`),
    client.query<KnownRow>(findKnown, [conversationId, Buffer.concat(hashes), hashes.length]),
  ]);
  const [{ known, parent, isRepeated, ids, said }] = rows as [KnownRow];
  if (isRepeated) return undefined;
  if (ids.length === 0) return parent;
  const events: HistoryEvent<number>[] = (JSON.parse(said ?? "[]") as [number, string][]).map(
    ([position, payload]) => ({
      position,
      event: JSON.parse(payload),
    }),
  );
  const added = historyRows(messages.slice(known), events);
  await client.query(
    `INSERT INTO history_messages (id, parent, hash, message, event)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::bigint[])`,
    [
      ids,
      [parent, ...ids.slice(0, -1)],
      hashes.slice(known),
      added.map(({ message }) => message),
      added.map(({ position }) => position ?? null),
    ],
  );
  return Number(ids.at(-1));
}

/** Stores the row of the call's last message, unless there is one. Parameters: conversation, turn, row of the message before, hash. */
export const keepLastMessage = `INSERT INTO history_messages (parent, hash, event)
  SELECT $3::bigint, $4::bytea, id FROM events WHERE conversation_id = $1 AND seq = 1 AND turn_id = $2
    AND NOT EXISTS (SELECT FROM history_messages AS own WHERE own.event = events.id AND own.message IS NULL)`;

/** Must be called before the events of the conversation are deleted. Deletes what no other call needs. */
export async function releaseHistory(client: pg.ClientBase, conversationId: string): Promise<void> {
  if (!isOfSingleCall(conversationId)) return;
  await client.query(`SELECT pg_advisory_xact_lock(${historyLock})`);
  const { rows } = await client.query<ReferringRow<boolean> & pg.QueryResultRow>(
    `SELECT own.id, own.message, payload, type, EXISTS (SELECT FROM history_messages WHERE parent = own.id) AS "isNeeded"
     FROM events JOIN history_messages AS own ON own.event = events.id WHERE conversation_id = $1`,
    [conversationId],
  );
  for (const { id, message, payload, type, isNeeded } of rows) {
    if (isNeeded) {
      const whole = JSON.stringify(messageOfRow([message, payload, type]));
      await client.query("UPDATE history_messages SET message = $2, event = NULL WHERE id = $1", [id, whole]);
    } else await client.query(deleteHistory("$1"), [id]);
  }
}

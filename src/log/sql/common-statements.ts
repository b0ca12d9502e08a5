/** Statements and conditions that both databases take as they are. */
import { eventTypes } from "../../core/event-facts.js";
import type { ChatEvent } from "../../core/events.js";

/** SQL condition: the turn is queued or running. */
export const isUnfinished = "state IN ('queued', 'running')";

/**
 * SQL condition: no living host owns the turn. This includes turns whose owner is not registered: a host that was declared dead may still
 * have taken the turn and then died before its next heartbeat.
 */
export const isNobodys = "(node_id IS NULL OR NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.node_id = turns.node_id))";

/** SQL for the conversation and the host of every unfinished turn. */
export const unfinished = `SELECT conversation_id AS "conversationId", node_id AS "nodeId" FROM turns WHERE ${isUnfinished}`;

/** SQL for the number of running and queued turns of each node. */
export const turnCounts = `SELECT node_id AS "nodeId", sum(CASE state WHEN 'running' THEN 1 ELSE 0 END) AS running,
    sum(CASE state WHEN 'queued' THEN 1 ELSE 0 END) AS waiting
  FROM turns WHERE ${isUnfinished} GROUP BY node_id`;

/** Leaves out `nodeId` if it is null. */
export function withNode<Row extends { nodeId: string | null }>({
  nodeId,
  ...row
}: Row): Omit<Row, "nodeId"> & { nodeId?: string } {
  return nodeId === null ? row : { ...row, nodeId };
}

/** SQL for unfinished turns that fulfil a condition. It must be followed by the order. */
export const unfinishedTurns = (condition: string) =>
  `SELECT conversation_id AS "conversationId", turn_id AS "turnId", request_id AS "requestId", place, fold, fence, workspace FROM turns
   WHERE ${isUnfinished} AND ${condition}`;

/**
 * Returns the SQL condition that the turn waits for a person's answer: a question is open, and the last event is not a call that was sent.
 * Such a turn cannot be the reason why its host has crashed. `events` is the FROM clause with the turn's events.
 */
export const waitsForPerson = (events: string) =>
  `coalesce((SELECT sum(CASE type WHEN 'question' THEN 1 WHEN 'answer' THEN -1 ELSE 0 END) > 0
     AND max(CASE type WHEN 'tool_sent' THEN id ELSE 0 END) < max(id) ${events}), FALSE)`;

/**
 * SQL condition: the event is a mark, such as a rewind. The partial index has the same text, so that the databases use it; with another type the
 * index has to be made anew.
 */
export const isMarkType = isTypeIn(eventTypes("isMark"));

/** Returns the SQL condition for events of these types. */
export function isTypeIn(types: readonly ChatEvent["type"][]): string {
  return `type IN (${types.map((type) => `'${type}'`).join(", ")})`;
}

/** SQL conditions for one of the two types of `isMark`. They contain `isMark`, so that the databases use its index. */
export const isFork = (events: string) => `${isMark(events)} AND ${events}.type = 'fork'`;
export const isRewind = (events: string) => `${isMark(events)} AND ${events}.type = 'rewind'`;

/** Returns the SQL condition for events that are marks. */
export const isMark = (events: string) => `${events}.${isMarkType}`;

/** Returns the SQL that stores a checkpoint. The parameters of the function are those of the statement. */
export const putCheckpoint = (
  conversationId: string,
  checkpoint: string,
) => `INSERT INTO checkpoints (conversation_id, checkpoint)
  SELECT conversation_id, CAST(${checkpoint} AS text) FROM conversations WHERE conversation_id = ${conversationId}
  ON CONFLICT (conversation_id) DO UPDATE SET checkpoint = excluded.checkpoint`;

export const readCheckpoint = (conversationId: string) =>
  `SELECT checkpoint FROM checkpoints WHERE conversation_id = ${conversationId}`;

import type pg from "pg";
import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { withEarlier } from "../shared/call-history.js";
import { mostCharactersInPage } from "../shared/event-page.js";
import { eventOf } from "../shared/stored-event.js";
import { earlier } from "./call-histories.js";

export interface EventRow {
  seq: number;
  at: number;
  payload: string;
  earlier?: string | null;
}

const columns = `seq, at, payload, CASE WHEN seq = 1 THEN ${earlier} END AS earlier`;

/**
 * SQL for a page of events, see `mostCharactersInPage`. `before` is the size of the earlier events in the page without the first one. The sizes
 * are known without reading the texts.
 */
function pageOf(condition: string, order: string): string {
  const size = "octet_length(payload)";
  return `SELECT ${columns} FROM (
      SELECT *, coalesce(sum(${size}) OVER earlier_ones - first_value(${size}) OVER earlier_ones, 0) AS before
      FROM events WHERE conversation_id = $1 AND ${condition}
      WINDOW earlier_ones AS (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER BY ${order} LIMIT $3
    ) AS events WHERE before < ${mostCharactersInPage} ORDER BY ${order}`;
}

/** SQL expressions and queries for the table of events. A writer must hold the conversation's lock, see `Database`. */
export const eventsOf = {
  nextSeq: "(SELECT coalesce(max(seq), 0) + 1 FROM events WHERE conversation_id = $1)",
  /** Parameters: conversation, first seq. */
  from: `SELECT ${columns} FROM events WHERE conversation_id = $1 AND seq >= $2 ORDER BY seq`,
  /** A page. Parameters: conversation, first seq, maximum number of events. */
  pageFrom: pageOf("seq >= $2", "seq"),
  /** A page. Parameters: conversation, the seq after the last one, maximum number of events. The last event comes first. */
  pageBefore: pageOf("seq < $2", "seq DESC"),
  /** The events of a turn, which begin with its request. Parameters: conversation, turn, request. */
  turn: `SELECT ${columns} FROM events WHERE conversation_id = $1 AND turn_id = $2
    AND seq >= coalesce((SELECT seq FROM events WHERE conversation_id = $1 AND request_id = $3), 0) ORDER BY seq`,
};

/** Appends an event to the conversation. `valuesOf` returns the parameters. */
export const insertEvent = `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
  VALUES ($1, ${eventsOf.nextSeq}, $2, $3, $4, $5, $6, $7) RETURNING seq`;

type EventValues = [string, string, string, string | null, payload: string, at: number, position: number | null];

/** Returns the parameters of `insertEvent`. `position` is the position of the event in its turn. */
export function valuesOf(
  conversationId: string,
  event: ChatEvent,
  at: number,
  position: number | null = null,
): EventValues {
  const requestId = event.type === "user_message" ? event.requestId : null;
  return [conversationId, event.turnId, event.type, requestId, JSON.stringify(event), at, position];
}

export async function eventsFrom(client: pg.ClientBase, conversationId: string): Promise<StoredEvent[]> {
  return (await client.query<EventRow>(eventsOf.from, [conversationId, 1])).rows.map(toEvent);
}

export function toEvent({ seq, at, payload, earlier = null }: EventRow): StoredEvent {
  return withEarlier(eventOf(payload, { seq, at }), earlier);
}

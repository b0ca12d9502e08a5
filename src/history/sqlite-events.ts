import type { ChatEvent, StoredEvent } from "../core/chat.js";
import type { TurnGrant } from "../core/store-ports.js";
import type { Connection, Statement } from "./connection.js";
import { eventOf, eventWritten } from "./stored-event.js";

interface Row {
  seq: number;
  at: number;
  payload: string;
}

/** More events at once are stored by a transaction: each number of them has a statement of its own, and takes two values an event. */
const mostInStatement = 32;

/** The table of events, within the caller's transaction. */
export class SqliteEvents {
  readonly #db: Connection;
  readonly #now: () => number;
  readonly #insert: Statement;
  readonly #ofTurn: Statement;
  readonly #from: Statement;
  readonly #onwards: Statement;
  /** By the number of their events. */
  readonly #granted: Statement[] = [];

  constructor(db: Connection, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#insert = db.prepare(
      `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
       VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE conversation_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)
       RETURNING seq`,
    );
    this.#ofTurn = db.prepare(
      "SELECT seq, at, payload FROM events WHERE conversation_id = ? AND turn_id = ? AND seq >= ? ORDER BY seq",
    );
    this.#from = db.prepare("SELECT seq, at, payload FROM events WHERE conversation_id = ? AND seq >= ? ORDER BY seq");
    this.#onwards = db.prepare(
      `SELECT seq, at, payload FROM events WHERE conversation_id = ?1 AND turn_id = ?2 AND position >= ?3
         AND seq > coalesce((SELECT seq FROM events WHERE conversation_id = ?1 AND turn_id = ?2 AND position < ?3 ORDER BY seq DESC LIMIT 1), 0)
       ORDER BY seq`,
    );
  }

  /** At the end of the conversation. `position` is the event's place in its turn. */
  insert(conversationId: string, event: ChatEvent, position: number | null = null): StoredEvent {
    const { turnId, type } = event;
    const requestId = requestIdOf(event);
    const payload = JSON.stringify(event);
    const at = this.#now();
    const row = this.#insert.get(conversationId, turnId, type, requestId, payload, at, position) as { seq: number };
    return eventWritten(event, { seq: row.seq, at });
  }

  /**
   * One statement, which outside of a transaction is one by itself: most events are stored so, at a third of the cost. Undefined when
   * nothing was stored: the turn is not running under that fence, the conversation's last event is not the one that `lastSeq` says or not
   * of the turn, or has a place at or after these, or they are too many for a statement.
   */
  insertGranted(
    conversationId: string,
    events: readonly ChatEvent[],
    { fence, position, lastSeq }: TurnGrant,
  ): StoredEvent[] | undefined {
    const [first] = events;
    if (!first || lastSeq === undefined || events.length > mostInStatement) return undefined;
    const at = this.#now();
    const values: (string | number)[] = [conversationId, first.turnId, at, position, fence, lastSeq];
    for (const event of events) values.push(event.type, JSON.stringify(event));
    let insert = this.#granted[events.length];
    if (!insert) this.#granted[events.length] = insert = this.#db.prepare(insertGranted(events.length));
    if (Number(insert.run(...values).changes) === 0) return undefined;
    return events.map((event, index) => eventWritten(event, { seq: lastSeq + 1 + index, at }));
  }

  /** `from`: the `seq` of its request. */
  ofTurn(conversationId: string, turnId: string, from: number): StoredEvent[] {
    return toEvents(this.#ofTurn.all(conversationId, turnId, from));
  }

  from(conversationId: string, seq: number): StoredEvent[] {
    return toEvents(this.#from.all(conversationId, seq));
  }

  /** From this place in the turn on. */
  onwards(conversationId: string, turnId: string, position: number): StoredEvent[] {
    return toEvents(this.#onwards.all(conversationId, turnId, position));
  }
}

/**
 * Values: conversation, turn, time, first position, fence, the conversation's last `seq`; then type and payload of each event. Without
 * RETURNING, for which SQLite keeps a table.
 */
function insertGranted(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `(${index}, ?${7 + 2 * index}, ?${8 + 2 * index})`);
  return `INSERT INTO events (conversation_id, seq, turn_id, type, payload, at, position)
    SELECT ?1, ?6 + 1 + event.column1, ?2, event.column2, event.column3, ?3, ?4 + event.column1 FROM (VALUES ${rows}) AS event
    WHERE EXISTS (SELECT 1 FROM turns WHERE conversation_id = ?1 AND turn_id = ?2 AND fence = ?5 AND state = 'running')
      AND (SELECT seq = ?6 AND turn_id = ?2 AND position < ?4 FROM events WHERE conversation_id = ?1 ORDER BY seq DESC LIMIT 1)`;
}

function requestIdOf(event: ChatEvent): string | null {
  return event.type === "user_message" ? event.requestId : null;
}

function toEvents(rows: unknown[]): StoredEvent[] {
  return (rows as Row[]).map(toEvent);
}

function toEvent({ seq, at, payload }: Row): StoredEvent {
  return eventOf(payload, { seq, at });
}

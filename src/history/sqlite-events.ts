import type { ChatEvent, StoredEvent } from "../core/chat.js";
import type { TurnGrant } from "../core/store-ports.js";
import type { Connection, Statement } from "./connection.js";
import { eventOf } from "./stored-event.js";

interface Row {
  seq: number;
  at: number;
  payload: string;
}

/** The table of events, within the caller's transaction. */
export class SqliteEvents {
  readonly #now: () => number;
  readonly #insert: Statement;
  readonly #insertGranted: Statement;
  readonly #ofTurn: Statement;
  readonly #from: Statement;
  readonly #at: Statement;

  constructor(db: Connection, now: () => number) {
    this.#now = now;
    this.#insert = db.prepare(
      `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
       VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE conversation_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)
       RETURNING seq`,
    );
    this.#insertGranted = db.prepare(
      `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at, position)
       SELECT ?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE conversation_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7
       WHERE EXISTS (SELECT 1 FROM turns WHERE conversation_id = ?1 AND turn_id = ?2 AND fence = ?8 AND state = 'running')
       ON CONFLICT (conversation_id, turn_id, position) WHERE position IS NOT NULL DO NOTHING RETURNING seq`,
    );
    this.#ofTurn = db.prepare(
      "SELECT seq, at, payload FROM events WHERE conversation_id = ? AND turn_id = ? ORDER BY seq",
    );
    this.#from = db.prepare("SELECT seq, at, payload FROM events WHERE conversation_id = ? AND seq >= ? ORDER BY seq");
    this.#at = db.prepare(
      "SELECT seq, at, payload FROM events WHERE conversation_id = ? AND turn_id = ? AND position = ?",
    );
  }

  /** At the end of the conversation. `position` is the event's place in its turn. */
  insert(conversationId: string, event: ChatEvent, position: number | null = null): StoredEvent {
    const { turnId, type } = event;
    const requestId = requestIdOf(event);
    const payload = JSON.stringify(event);
    const at = this.#now();
    const row = this.#insert.get(conversationId, turnId, type, requestId, payload, at, position) as { seq: number };
    return toEvent({ seq: row.seq, at, payload });
  }

  /**
   * In a transaction of its own, which is one statement: most events are stored so, at a third of the cost. Undefined when nothing was
   * stored, since the turn is not running under that fence or has such an event.
   */
  insertGranted(conversationId: string, event: ChatEvent, { fence, position }: TurnGrant): StoredEvent | undefined {
    const payload = JSON.stringify(event);
    const at = this.#now();
    const values = [conversationId, event.turnId, event.type, requestIdOf(event), payload, at, position, fence];
    // To its end, which is where it would fail to be written.
    const [row] = this.#insertGranted.all(...values) as { seq: number }[];
    return row && toEvent({ seq: row.seq, at, payload });
  }

  ofTurn(conversationId: string, turnId: string): StoredEvent[] {
    return toEvents(this.#ofTurn.all(conversationId, turnId));
  }

  from(conversationId: string, seq: number): StoredEvent[] {
    return toEvents(this.#from.all(conversationId, seq));
  }

  at(conversationId: string, turnId: string, position: number): StoredEvent | undefined {
    const row = this.#at.get(conversationId, turnId, position) as Row | undefined;
    return row && toEvent(row);
  }
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

import type { ChatEvent, StoredEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import type { TurnGrant } from "../../core/turn-leases.js";
import { withEarlier } from "../shared/call-history.js";
import { lowerTitle, searchedTextIn, titleIn } from "../shared/conversation-facts.js";
import { onePage } from "../shared/event-page.js";
import { eventOf, eventWritten } from "../shared/stored-event.js";
import { storedTitle } from "../sql/conversation-statements.js";
import { idOf, mostSeq, numberOf, seqOf, withinRange } from "../sql/sqlite-ids.js";
import type { Connection, Statement } from "./connection.js";
import { earlier } from "./history-table.js";

interface EntryRow {
  seq: number;
  at: number;
  type: string;
  turnId: string;
  payload: string;
  earlier?: string | null;
}

/**
 * Maximum number of events in one INSERT statement. For each number of events there is a prepared statement. If there are more events, they
 * are stored in a transaction.
 */
const mostInStatement = 32;

/** Reads and writes events. No method begins a transaction, but the caller may begin one. */
export class SqliteEvents {
  readonly #db: Connection;
  readonly #now: () => number;
  readonly #touch: Statement;
  readonly #insert: Statement;
  readonly #addSearched: Statement;
  readonly #addChange: Statement;
  readonly #ofTurn: Statement;
  readonly #from: Statement;
  readonly #before: Statement;
  readonly #onwards: Statement;
  /** Prepared statements from `insertGranted`. The index is the number of events that a statement inserts. */
  readonly #granted: Statement[] = [];

  constructor(db: Connection, now: () => number) {
    this.#db = db;
    this.#now = now;
    this.#touch = db.prepare(
      `INSERT INTO conversations (conversation_id, touched, updated_at, title, title_lower, turns, workspace)
       VALUES (?1, max(?2, coalesce((SELECT max(touched) + 1 FROM conversations), 0)), ?2, ?3, ?4, ?5,
         coalesce(?6, ''))
       ON CONFLICT (conversation_id) DO UPDATE SET touched = excluded.touched, updated_at = excluded.updated_at,
         title = coalesce(title, excluded.title), title_lower = coalesce(title_lower, excluded.title_lower),
         turns = turns + excluded.turns, workspace = coalesce(?6, workspace), has_begun = max(has_begun, excluded.turns)
       RETURNING number`,
    );
    this.#insert = db.prepare(
      `INSERT INTO entries (id, turn_id, type, request_id, payload, at, position)
       VALUES (coalesce((SELECT max(id) FROM entries WHERE ${withinRange("?1")}), ${idOf("?1", "0")}) + 1, ?2, ?3, ?4, ?5, ?6, ?7)
       RETURNING ${seqOf()} AS seq`,
    );
    this.#addChange = db.prepare("INSERT INTO list_changes (conversation_id) VALUES (?)");
    this.#addSearched = db.prepare(`INSERT INTO searched (entry, text) VALUES (${idOf("?1", "?2")}, ?3)`);
    const columns = `${seqOf()} AS seq, at, type, turn_id AS "turnId", payload, CASE WHEN ${seqOf()} = 1 THEN ${earlier} END AS earlier`;
    const ofConversation = withinRange(numberOf("?1"));
    const from = withinRange(numberOf("?1"), { from: "?2" });
    this.#from = db.prepare(`SELECT ${columns} FROM entries WHERE ${from} ORDER BY id LIMIT ?3`);
    this.#before = db.prepare(
      `SELECT ${columns} FROM entries WHERE ${ofConversation} AND id < ${idOf(numberOf("?1"), "?2")} ORDER BY id DESC LIMIT ?3`,
    );
    this.#ofTurn = db.prepare(`SELECT ${columns} FROM entries WHERE ${from} AND turn_id = ?3 ORDER BY id`);
    this.#onwards = db.prepare(
      `SELECT ${columns} FROM entries WHERE ${ofConversation} AND turn_id = ?2 AND position >= ?3
         AND id > coalesce((SELECT id FROM entries WHERE ${ofConversation} AND turn_id = ?2 AND position < ?3 ORDER BY id DESC LIMIT 1), 0)
       ORDER BY id`,
    );
  }

  /**
   * Marks the conversation as the one that was changed last. Creates the conversation if it does not exist. `title` and `workspace` are
   * those of the message that is the change. They are null if the change is not a message. Returns the number of the conversation. No title is
   * stored for single calls, see `conversation-statements.ts`.
   */
  touch(
    conversationId: string,
    at = this.#now(),
    title: string | null = null,
    workspace: string | null = null,
  ): number {
    const turns = title === null ? 0 : 1;
    const kept = isOfSingleCall(conversationId) ? null : title;
    const row = this.#touch.get(conversationId, at, kept, kept && lowerTitle(kept), turns, workspace);
    return (row as { number: number }).number;
  }

  /**
   * Appends an event to the conversation. `position` is the position of the event in its turn, `workspace` the workspace of the request that
   * the event is. `stored` is what is stored of the event, if a part of it is stored elsewhere.
   */
  insert(
    conversationId: string,
    event: ChatEvent,
    position: number | null = null,
    { workspace = null, stored = event }: { workspace?: string | null; stored?: ChatEvent } = {},
  ): StoredEvent {
    const { turnId, type } = event;
    const requestId = storedRequestId(event, conversationId);
    const payload = payloadOf(stored);
    const at = this.#now();
    const number = this.touch(conversationId, at, titleIn(event), workspace);
    const row = this.#insert.get(number, turnId, type, requestId, payload, at, position) as { seq: number };
    const written = eventWritten(event, { seq: row.seq, at });
    this.noteFor(conversationId, written, number);
    return written;
  }

  /** Appends an event that belongs to no turn, without a change of the conversation's place in lists. */
  insertBeside(conversationId: string, event: ChatEvent): StoredEvent {
    const at = this.#now();
    const number = this.#numberOf(conversationId);
    const row = this.#insert.get(number, event.turnId, event.type, null, payloadOf(event), at, null) as { seq: number };
    return eventWritten(event, { seq: row.seq, at });
  }

  /** Stores what lists and searches need of an event, besides the event. */
  noteFor(conversationId: string, event: StoredEvent, number = this.#numberOf(conversationId)): void {
    if (changesQuestions(event)) this.#addChange.run(conversationId);
    const text = isOfSingleCall(conversationId) ? "" : searchedTextIn(event);
    if (text) this.#addSearched.run(number, event.seq, text);
  }

  #numberOf(conversationId: string): number {
    const row = this.#db.prepare(`SELECT ${numberOf("?1")} AS number`).get(conversationId);
    return (row as { number: number }).number;
  }

  /** Replaces the texts by which a search finds the conversation. The keys are those of `searchedTexts`. */
  replaceSearched(conversationId: string, texts: ReadonlyMap<number, string>): void {
    this.removeSearched(conversationId);
    if (isOfSingleCall(conversationId)) return;
    this.#db
      .prepare(
        `INSERT INTO searched (entry, text) SELECT ${idOf("number", "0")}, title_lower FROM conversations
         WHERE conversation_id = ? AND coalesce(own_title, model_title) IS NOT NULL`,
      )
      .run(conversationId);
    const insert = this.#db.prepare(
      `INSERT OR IGNORE INTO searched (entry, text) VALUES (${idOf(numberOf("?1"), "?2")}, ?3)`,
    );
    for (const [seq, text] of texts) insert.run(conversationId, seq, text);
  }

  /** Makes a search find the conversation by the title that lists show. */
  retitle(conversationId: string): void {
    if (isOfSingleCall(conversationId)) return;
    const { shown } = (this.#db
      .prepare(`SELECT ${storedTitle} AS shown FROM conversations WHERE conversation_id = ?`)
      .get(conversationId) ?? { shown: null }) as { shown: string | null };
    const lower = shown && lowerTitle(shown);
    this.#db.prepare("UPDATE conversations SET title_lower = ?2 WHERE conversation_id = ?1").run(conversationId, lower);
    const entry = idOf(numberOf("?1"), "0");
    this.#db.prepare(`DELETE FROM searched WHERE entry = ${entry}`).run(conversationId);
    if (lower) this.#db.prepare(`INSERT INTO searched (entry, text) VALUES (${entry}, ?2)`).run(conversationId, lower);
  }

  removeSearched(conversationId: string): void {
    this.#db
      .prepare(`DELETE FROM searched WHERE ${withinRange(numberOf("?1"), { column: "entry" })}`)
      .run(conversationId);
  }

  /**
   * Stores events with a single statement. The statement commits without an explicit transaction, at a third of the cost, so most events
   * are stored in this way. Stores nothing and returns undefined in three cases: there are too many events for one statement; the turn does
   * not run under this fence; or the conversation's last event is not the expected one, because its `seq` is not `lastSeq`, it belongs to
   * another turn, or it is at `position` or after it.
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
    for (const event of events) values.push(event.type, payloadOf(event));
    let insert = this.#granted[events.length];
    if (!insert) this.#granted[events.length] = insert = this.#db.prepare(insertGranted(events.length));
    if (Number(insert.run(...values).changes) === 0) return undefined;
    return events.map((event, index) => eventWritten(event, { seq: lastSeq + 1 + index, at }));
  }

  /** Returns the events of the turn. `from` is the `seq` of the turn's request. */
  ofTurn(conversationId: string, turnId: string, from: number): StoredEvent[] {
    return toEvents(this.#ofTurn.all(conversationId, from, turnId));
  }

  /** Returns the events from this `seq` on: all of them or, with `most`, a page. */
  from(conversationId: string, seq: number, most?: number): StoredEvent[] {
    if (seq > mostSeq) return [];
    const from = Math.max(0, seq);
    if (most === undefined) return toEvents(this.#from.all(conversationId, from, -1));
    return toEvents(pageOf(this.#from.iterate(conversationId, from, most)));
  }

  /** Returns a page of the last events before this `seq`, in order. */
  before(conversationId: string, seq: number, most: number): StoredEvent[] {
    const before = Math.min(Math.max(0, seq), mostSeq);
    return toEvents(pageOf(this.#before.iterate(conversationId, before, most))).reverse();
  }

  /** Returns the events of the turn from this position on. */
  onwards(conversationId: string, turnId: string, position: number): StoredEvent[] {
    return toEvents(this.#onwards.all(conversationId, turnId, position));
  }
}

/** Returns true if more has to be stored than the event: see `noteFor`. */
export function needsNote(event: ChatEvent): boolean {
  return changesQuestions(event) || (event.type === "assistant_message" && event.message.content !== "");
}

function changesQuestions({ type }: ChatEvent): boolean {
  return type === "question" || type === "answer";
}

/**
 * Returns the statement that stores `count` events. Parameters: conversation, turn, time, first position, fence, last `seq` of the
 * conversation, then type and payload of each event. It has no RETURNING clause, because SQLite would create a temporary table for it.
 */
function insertGranted(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `(${index}, ?${7 + 2 * index}, ?${8 + 2 * index})`);
  const number = "turns.conversation_number";
  return `INSERT INTO entries (id, turn_id, type, payload, at, position)
    SELECT ${idOf(number, "(?6 + 1 + event.column1)")}, ?2, event.column2, event.column3, ?3, ?4 + event.column1
    FROM turns CROSS JOIN (VALUES ${rows}) AS event
    WHERE turns.conversation_id = ?1 AND turns.turn_id = ?2 AND fence = ?5 AND state = 'running'
      AND (SELECT id = ${idOf(number, "?6")} AND turn_id = ?2 AND position < ?4 FROM entries WHERE ${withinRange(number)} ORDER BY id DESC LIMIT 1)`;
}

/**
 * Returns the request id that is stored in a column, by which the message is found. A conversation of a single call has so few messages that
 * each is found without it; the column and its index would take 3 % of its space.
 */
export function storedRequestId(event: ChatEvent, conversationId: string): string | null {
  return event.type === "user_message" && !isOfSingleCall(conversationId) ? event.requestId : null;
}

function pageOf(rows: Iterable<unknown>): unknown[] {
  return onePage(rows as Iterable<EntryRow>, ({ payload }) => payload.length);
}

function toEvents(rows: unknown[]): StoredEvent[] {
  return (rows as EntryRow[]).map(toEvent);
}

function toEvent({ seq, at, type, turnId, payload, earlier = null }: EntryRow): StoredEvent {
  return withEarlier(eventOf(payload, { seq, at, type, turnId }), earlier);
}

/**
 * Returns the JSON of an event without its type and turn, which have columns of their own. With them, an event of 1,000 bytes would take
 * 1,530 bytes in the file instead of 1,150, because four events no longer fit into a page.
 */
export function payloadOf({ type: _, turnId: __, ...rest }: ChatEvent): string {
  return JSON.stringify(rest);
}

import type { UserMessageEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import type { Message } from "../../core/messages.js";
import {
  type CallWithHistory,
  type HistoryEvent,
  historyRows,
  messageHash,
  messageOfRow,
  splitCall,
  typedEvent,
} from "../shared/call-history.js";
import { deleteHistory, earlierOf, type ReferringRow } from "../sql/history-statements.js";
import { idOf, mostSeq, numberIn, numberOf, seqOf, withinRange } from "../sql/sqlite-ids.js";
import type { Connection, Statement } from "./connection.js";

/** SQL for the messages before the one in a row of `entries`. */
export const earlier = earlierOf("entries", { events: "entries", array: "json_array", list: "json_group_array" });

/** Place of an event: the number of its conversation, and its `seq`. */
interface EventPosition {
  number: number;
  seq: number;
}

/** A call with the row of the message before its last one. */
interface KeptCall extends CallWithHistory {
  parent: number;
}

/** Histories of single API calls. The caller of each method must have begun a transaction. */
export class SqliteHistories {
  readonly #db: Connection;
  readonly #next: Statement;
  readonly #insert: Statement;

  constructor(db: Connection) {
    this.#db = db;
    this.#next = db.prepare("SELECT min(id) AS id FROM history_messages WHERE parent = ? AND hash = ?");
    this.#insert = db.prepare(
      `INSERT INTO history_messages (parent, hash, message, event) VALUES (?1, ?2, ?3, ${idOf("?4", "?5")}) RETURNING id`,
    );
  }

  /**
   * Stores the messages before the call's last message. Returns undefined if the event is not the first of a conversation for a single
   * call; its history is then stored with the event.
   */
  keep(conversationId: string, event: UserMessageEvent): KeptCall | undefined {
    if (!isOfSingleCall(conversationId) || this.#exists(conversationId)) return undefined;
    const call = splitCall(event);
    return call && { ...call, parent: this.#keepAll(call.earlier) };
  }

  /** Stores the row of the call's last message, after its event. */
  keepLast(conversationId: string, { parent, lastHash }: KeptCall): void {
    const row = `INSERT INTO history_messages (parent, hash, event) VALUES (?2, ?3, ${idOf(numberOf("?1"), "1")})`;
    this.#db.prepare(row).run(conversationId, parent, lastHash);
  }

  /** Must be called before the events of the conversation are deleted. Deletes what no other call needs. */
  release(conversationId: string): void {
    if (!isOfSingleCall(conversationId)) return;
    const rows = this.#db
      .prepare(
        `SELECT own.id, own.message, payload, type, EXISTS (SELECT 1 FROM history_messages WHERE parent = own.id) AS "isNeeded"
         FROM entries JOIN history_messages AS own ON own.event = entries.id
         WHERE ${withinRange(numberOf("?1"), { row: "entries." })}`,
      )
      .all(conversationId) as ReferringRow<number>[];
    for (const { id, message, payload, type, isNeeded } of rows) {
      if (isNeeded === 0) this.#db.prepare(deleteHistory("?")).run(id);
      else {
        const whole = JSON.stringify(messageOfRow([message, payload, type]));
        this.#db.prepare("UPDATE history_messages SET message = ?, event = NULL WHERE id = ?").run(whole, id);
      }
    }
  }

  /** Stores those messages that are new. Returns the row of the last message, 0 if there are no messages. */
  #keepAll(messages: readonly Message[]): number {
    const hashes = messages.map(messageHash);
    let [above, parent, known] = [0, 0, 0];
    for (; known < hashes.length; known++) {
      const { id } = this.#next.get(parent, hashes[known] as Buffer) as { id: number | null };
      if (id === null) break;
      [above, parent] = [parent, id];
    }
    const isNew = known < hashes.length;
    const events = isNew && known > 0 ? this.#answers(above, hashes[known - 1] as Buffer) : [];
    for (const { message, position } of historyRows(messages.slice(known), events)) {
      const row = this.#insert.get(
        parent,
        hashes[known++] as Buffer,
        message,
        position?.number ?? null,
        position?.seq ?? null,
      );
      parent = (row as { id: number }).id;
    }
    return parent;
  }

  /** Returns the answers and results of the latest call that ended with this message. */
  #answers(parent: number, hash: Buffer): HistoryEvent<EventPosition>[] {
    const rows = this.#db.prepare(
      `WITH own AS (SELECT entries.id, turn_id FROM history_messages AS last JOIN entries ON entries.id = last.event
         WHERE parent = ? AND hash = ? AND message IS NULL ORDER BY last.id DESC LIMIT 1)
       SELECT ${numberIn("entries.")} AS number, ${seqOf("entries.")} AS seq, payload, type
       FROM own JOIN entries ON entries.id > own.id AND entries.id <= own.id | ${mostSeq}
       WHERE entries.turn_id = own.turn_id AND type IN ('assistant_message', 'tool_result') ORDER BY entries.id`,
    );
    return (rows.all(parent, hash) as (EventPosition & { payload: string; type: string })[]).map(
      ({ payload, type, ...position }) => ({
        position,
        event: typedEvent(payload, type),
      }),
    );
  }

  #exists(conversationId: string): boolean {
    return this.#db.prepare("SELECT 1 FROM conversations WHERE conversation_id = ?").get(conversationId) !== undefined;
  }
}

import { answeredQuestionId, type TurnMail } from "../../core/turn-leases.js";
import { isUnfinished } from "../sql/common-statements.js";
import { readable, withinRange } from "../sql/sqlite-ids.js";
import type { Connection, Statement } from "./connection.js";
import type { FileAccess } from "./file-access.js";

/** Messages to queued and running turns: answers to their questions, and cancellations. They are kept until the turn ends. */
export class SqliteMail {
  readonly #access: FileAccess;
  readonly #send: Statement;
  readonly #any: Statement;
  readonly #receive: Statement;
  readonly #forget: Statement;

  constructor(db: Connection, access: FileAccess) {
    this.#access = access;
    this.#send = db.prepare(
      `INSERT INTO mail (conversation_id, turn_id, mail, question_id) SELECT conversation_id, turn_id, ?3, ?4 FROM turns
       WHERE conversation_id = ?1 AND turn_id = ?2 AND ${isUnfinished} AND NOT EXISTS (SELECT 1 FROM entries
         WHERE ${ofConversation("entries.")} AND entries.turn_id = ?2 AND type = 'answer' AND (${readable}) ->> 'questionId' = ?4
           AND id > coalesce((SELECT id FROM entries AS asked WHERE asked.request_id = turns.request_id AND ${ofConversation("asked.")}), 0))
       ON CONFLICT DO NOTHING RETURNING id`,
    );
    this.#any = db.prepare(`SELECT 1 FROM mail JOIN turns USING (conversation_id, turn_id) WHERE ${isNew} LIMIT 1`);
    this.#receive = db.prepare(
      `UPDATE mail SET fence = turns.fence FROM turns
       WHERE turns.conversation_id = mail.conversation_id AND turns.turn_id = mail.turn_id AND ${isNew}
       RETURNING id, mail.conversation_id AS "conversationId", mail.turn_id AS "turnId", mail`,
    );
    this.#forget = db.prepare("DELETE FROM mail WHERE conversation_id = ? AND turn_id = ?");
  }

  /**
   * Stores mail for a turn. Returns false if the turn has ended, or if the question already has an answer. Reads all rows of its statement,
   * as `receive` does, because SQLite reports a failed commit only after the last row.
   */
  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const values = [conversationId, turnId, JSON.stringify(mail), answeredQuestionId(mail)];
    return (await this.#access.write(() => this.#send.all(...values))).length > 0;
  }

  /** Returns the mail for turns of this host that was not delivered under their current leases yet, the oldest first. */
  async receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]> {
    if (this.#access.read(() => this.#any.all(nodeId)).length === 0) return []; // looks for mail without taking the write lock first
    const rows = (await this.#access.write(() => this.#receive.all(nodeId))) as MailRow[];
    return rows
      .sort((a, b) => a.id - b.id)
      .map(({ conversationId, turnId, mail }) => ({ conversationId, turnId, mail: JSON.parse(mail) as TurnMail }));
  }

  /** Deletes the mail of the turn. The caller must have begun a transaction. */
  forget(conversationId: string, turnId: string): void {
    this.#forget.all(conversationId, turnId);
  }
}

interface MailRow {
  id: number;
  conversationId: string;
  turnId: string;
  mail: string;
}

const isNew = "turns.node_id = ? AND mail.fence IS NOT turns.fence";
const ofConversation = (row: string) => withinRange("turns.conversation_number", { row });

import { quarterMs } from "../shared/spent.js";
import { idOf, seqOf, storedBytes, withinRange } from "../sql/sqlite-place.js";
import { isCounted, placeOf, sqliteFold } from "../sql/usage-fold.js";
import { UsageReports } from "../sql/usage-reports.js";
import { usageStatements } from "../sql/usage-statements.js";
import { modelKind, toolKind, type UsageKind, usageKinds } from "../sql/usage-tables.js";
import type { Connection } from "./connection.js";
import type { LogReader } from "./reader.js";

/** Query of the conversations of the same family that are older than conversation ?1. `+` keeps SQLite from reading all older conversations. */
const earlier = `SELECT other.number FROM conversations AS own JOIN conversations AS other
    ON other.family = own.family OR other.conversation_id = own.family
  WHERE own.number = ?1 AND +other.number < ?1`;

/** Query of the events of conversation ?1 after `seq` ?2, up to `seq` ?3. */
const fresh = `SELECT id, ?1 AS owner, turn_id, type, at, payload AS facts, ${storedBytes} AS bytes FROM entries
  WHERE id BETWEEN ${idOf("?1", "?2")} + 1 AND ${idOf("?1", "?3")} AND ${isCounted} AND json_valid(payload)`;
/** Query of the same events without copies of those that an older conversation has. */
const freshOfFamily = `${fresh} AND (${placeOf("", seqOf())}) NOT IN (SELECT ${placeOf("original.", seqOf("original."))}
    FROM (${earlier}) AS origin CROSS JOIN entries AS original ON ${withinRange("origin.number", { row: "original." })} WHERE original.${isCounted})`;

/** Returns the two statements that store the usage of these events. */
function additions(events: string): string[] {
  const add = ({ rows, keys, counts }: UsageKind, found: string) => {
    const names = [...keys, ...counts].join(", ");
    return `INSERT INTO ${rows} (at, number, counted, ${names}) SELECT at, owner, ?3, ${names} FROM (${found})`;
  };
  return [add(modelKind, sqliteFold.models(events)), add(toolKind, sqliteFold.tools(events))];
}

const add = additions(fresh);
const addOfFamily = additions(freshOfFamily);

interface CountedConversation {
  number: number;
  family: string | null;
  counted: number;
  lastSeq: number;
}

const conversationWith = (condition: string) => `SELECT number, family, counted, coalesce((
    SELECT ${seqOf()} FROM entries WHERE ${withinRange("conversations.number")} ORDER BY id DESC LIMIT 1), 0) AS "lastSeq"
  FROM conversations WHERE ${condition}`;

/** Counters of usage in the file. The first two methods must run in the transaction that writes the events. */
export class SqliteUsage extends UsageReports {
  readonly #db: Connection;

  constructor(db: Connection, views: LogReader) {
    super(usageStatements.sqlite, (sql, values) => views.rows(sql, values));
    this.#db = db;
  }

  /** Counts the events of the conversation that are not counted yet. */
  count(conversationId: string): void {
    const found = this.#db.prepare(conversationWith("conversation_id = ?1")).get(conversationId);
    if (found) this.#count(found as CountedConversation);
  }

  /** Takes back the usage of a conversation whose events have been deleted. What its copies have in common with it becomes theirs. */
  remove(number: number, family: string, quarters: readonly number[]): void {
    this.#forget(number, quarters);
    const copies = this.#db
      .prepare(conversationWith("family = ?1 AND number > ?2 AND counted > 0"))
      .all(family, number) as CountedConversation[];
    for (const copy of copies) {
      this.#forget(copy.number, this.quartersOf(copy.number));
      this.#count({ ...copy, counted: 0 });
    }
  }

  /** Returns the starts of the quarters of an hour in which the conversation has events. */
  quartersOf(number: number): number[] {
    const rows = this.#db
      .prepare(`SELECT DISTINCT at / ${quarterMs} * ${quarterMs} AS at FROM entries WHERE ${withinRange("?1")}`)
      .all(number);
    return (rows as { at: number }[]).map(({ at }) => at);
  }

  #count({ number, family, counted, lastSeq }: CountedConversation): void {
    if (counted >= lastSeq) return;
    for (const statement of family === null ? add : addOfFamily) {
      this.#db.prepare(statement).run(number, counted, lastSeq);
    }
    this.#db.prepare("UPDATE conversations SET counted = ? WHERE number = ?").run(lastSeq, number);
  }

  #forget(number: number, quarters: readonly number[]): void {
    for (const { rows } of usageKinds) {
      const remove = this.#db.prepare(`DELETE FROM ${rows} WHERE at = ? AND number = ?`);
      for (const at of quarters) remove.run(at, number);
    }
  }
}

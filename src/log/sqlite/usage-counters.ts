import type { StoredEvent } from "../../core/events.js";
import { countUsage, UsageChange, type UsageRow } from "../shared/usage-fold.js";
import { eventsToCount, eventToCount, type TurnEventRow, UsageReports, usageStatements } from "../sql/usage-reports.js";
import { addUsageTo, deleteUsage } from "../sql/usage-table.js";
import type { Connection } from "./connection.js";
import type { LogReader } from "./reader.js";

/** Usage in the file. `count` and `remove` must run in the transaction that writes or deletes the events. */
export class SqliteUsage extends UsageReports {
  readonly #db: Connection;

  constructor(db: Connection, views: LogReader) {
    super(usageStatements.sqlite, (sql, values) => views.rows(sql, values));
    this.#db = db;
  }

  /** Counts what the turn has used since it was counted last. Must be called before the row of the turn is removed. */
  count(conversationId: string, turnId: string): void {
    const rows = this.#db.prepare(usageStatements.sqlite.turn).all(conversationId, turnId) as TurnEventRow[];
    const [first, last] = [rows[0], rows.at(-1)];
    if (!first || !last) return;
    const used = countUsage(rows.map(eventToCount), ({ seq }) => seq > first.counted);
    if (used.length === 0) return;
    const change = new UsageChange();
    change.add(conversationId, used);
    this.#store(change);
    this.#db.prepare("UPDATE conversations SET counted = ? WHERE conversation_id = ?").run(last.seq, conversationId);
  }

  /** Counts an event that belongs to no turn. Must be called once for each. */
  countOne(conversationId: string, event: StoredEvent): void {
    const change = new UsageChange();
    change.add(
      conversationId,
      countUsage([event], () => true),
    );
    this.#store(change);
  }

  /**
   * Takes back the usage of a conversation that has been deleted. What others of its family have in common with it becomes theirs. `family`: the id
   * of the conversation from which the family was copied.
   */
  remove(conversationId: string, family: string): void {
    const change = new UsageChange();
    const others = this.#db
      .prepare(
        "SELECT conversation_id AS id, counted FROM conversations WHERE family = ?1 OR conversation_id = ?1 ORDER BY number",
      )
      .all(family) as { id: string; counted: number }[];
    for (const id of [conversationId, ...others.map((other) => other.id)]) {
      change.takeBack(this.#db.prepare(deleteUsage("= ?")).all(id) as UsageRow[]);
    }
    for (const { id, counted } of others) {
      const rows = this.#db.prepare(eventsToCount.sqlite).all(id) as TurnEventRow[];
      const events = rows.map((row) => ({ position: row.position, event: eventToCount(row) }));
      change.addAnew(id, events, counted);
    }
    this.#store(change);
  }

  #store(change: UsageChange): void {
    if (!change.isEmpty) this.#db.prepare(addUsageTo.sqlite).run(change.toJson());
  }
}

import type pg from "pg";
import type { StoredEvent } from "../../core/events.js";
import { countUsage, UsageChange, type UsageRow } from "../shared/usage-fold.js";
import { eventsToCount, eventToCount, type TurnEventRow, UsageReports, usageStatements } from "../sql/usage-reports.js";
import { addUsageTo, deleteUsage, someShard } from "../sql/usage-table.js";
import type { Database, Statement } from "./connection/database.js";

export class PostgresUsage extends UsageReports {
  constructor(database: Database) {
    super(usageStatements.postgres, (sql, values) => database.rows("read", "idempotent", sql, values));
  }
}

/** The statement that reads the events of the turn from which `usageCounted` counts. */
export function eventsOfTurn(conversationId: string, turnId: string): Statement {
  return [usageStatements.postgres.turn, [conversationId, turnId]];
}

/** Returns the statements that count what the turn with these events has used since it was counted last. */
export function usageCounted(conversationId: string, rows: readonly TurnEventRow[]): Statement[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return [];
  const used = countUsage(rows.map(eventToCount), ({ seq }) => seq > first.counted);
  if (used.length === 0) return [];
  const change = new UsageChange(someShard());
  change.add(conversationId, used);
  return [
    [addUsageTo.postgres, [change.toJson()]],
    ["UPDATE conversations SET counted = $2 WHERE conversation_id = $1", [conversationId, last.seq]],
  ];
}

/** Returns the statement that counts an event that belongs to no turn. */
export function oneCounted(conversationId: string, event: StoredEvent): Statement {
  const change = new UsageChange(someShard());
  change.add(
    conversationId,
    countUsage([event], () => true),
  );
  return [addUsageTo.postgres, [change.toJson()]];
}

/**
 * Takes back the usage of a conversation that is about to be deleted. What others of its family have in common with it becomes theirs. Locks their
 * rows in the order of their ids, so that there is no deadlock, and no turn of theirs ends meanwhile.
 */
export async function removeUsage(client: pg.ClientBase, conversationId: string): Promise<void> {
  const { rows: family } = await client.query<{ id: string; counted: number; age: number }>(
    `WITH own AS (SELECT coalesce(family, conversation_id) AS root FROM conversations WHERE conversation_id = $1)
     SELECT conversation_id AS id, counted,
       (SELECT events.id FROM events WHERE events.conversation_id = conversations.conversation_id AND seq = 1) AS age
     FROM conversations WHERE family = (SELECT root FROM own) OR conversation_id IN ($1, (SELECT root FROM own))
     ORDER BY conversation_id FOR NO KEY UPDATE`,
    [conversationId],
  );
  const change = new UsageChange(someShard());
  const removed = await client.query<UsageRow & pg.QueryResultRow>(deleteUsage("= ANY ($1)"), [
    family.map(({ id }) => id),
  ]);
  change.takeBack(removed.rows);
  for (const { id, counted } of family.sort((one, other) => one.age - other.age)) {
    if (id === conversationId) continue;
    const { rows } = await client.query<TurnEventRow>(eventsToCount.postgres, [id]);
    const events = rows.map((row) => ({ position: row.position, event: eventToCount(row) }));
    change.addAnew(id, events, counted);
  }
  if (!change.isEmpty) await client.query(addUsageTo.postgres, [change.toJson()]);
}

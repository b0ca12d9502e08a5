/**
 * The table `history_messages`, for both databases: the messages of the histories that callers of the API send. The rows form trees, and a
 * path from a root to a row is a history.
 *
 * - `parent` is the row of the message before, or 0. `hash` is the hash of the message. Two calls whose histories begin alike share the
 *   rows of these messages. If several rows under a parent have the same hash, further rows are added under the one with the lowest id.
 * - `message` is the message as JSON. `event` is the id of an event that has the message or fields of it: those that are null in `message`, or
 *   all if `message` is `{}`.
 * - The last message of a call is a row with an `event` and without a `message`. This row keeps the rows above it for the call. Other rows
 *   exist only as long as a row refers to them as its parent.
 *
 * If the event of a row is deleted while other rows need the message, the message moves from the event to the row.
 */

/**
 * Returns SQL for the messages before the one that the event contains, as a JSON text that `withEarlier` reads. NULL if there are none.
 * `event` names the row of the event in the table `events`, `array` and `list` are the database's functions for JSON.
 */
export const earlierOf = (event: string, { events, array, list }: Record<"events" | "array" | "list", string>) => `(
  WITH RECURSIVE earlier (parent, message, event, depth) AS (
    SELECT above.parent, above.message, above.event, 1 FROM history_messages AS own JOIN history_messages AS above ON above.id = own.parent
      WHERE own.event = ${event}.id AND own.message IS NULL
    UNION ALL SELECT above.parent, above.message, above.event, depth + 1
      FROM earlier JOIN history_messages AS above ON above.id = earlier.parent)
  SELECT ${list}(${array}(message, said.payload, said.type) ORDER BY depth DESC)
  FROM earlier LEFT JOIN ${events} AS said ON said.id = earlier.event)`;

/** A row that refers to an event, with the event. `isNeeded`: as the database writes it, whether other rows are under the row. */
export interface ReferringRow<IsNeeded> {
  id: number;
  message: string | null;
  payload: string;
  type: string;
  isNeeded: IsNeeded;
}

/** Returns SQL that deletes a row to which no other row refers, and the rows above it that only this row needs. */
export const deleteHistory = (id: string) => `
  WITH RECURSIVE dead (id, parent) AS (
    SELECT id, parent FROM history_messages WHERE id = ${id}
    UNION ALL SELECT above.id, above.parent FROM dead JOIN history_messages AS above ON above.id = dead.parent
      WHERE above.message IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM history_messages AS other WHERE other.parent = above.id AND other.id <> dead.id))
  DELETE FROM history_messages WHERE id IN (SELECT id FROM dead)`;

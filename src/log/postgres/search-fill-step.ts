import { isOfSingleCall } from "../../core/ids.js";
import type { FillProgress } from "../shared/search-fill.js";
import { isRewind } from "../sql/common-statements.js";
import { postgresRewindsOfAsked } from "../sql/conversation-table.js";
import type { Database } from "./connection/database.js";

/** Largest number of conversations that a step adds. During the step, nobody can write to them. */
const mostAtOnce = 50;
/** Time, in ms, that a step may take. If it takes longer, the next one adds half as many conversations, otherwise twice as many. */
const stepMs = 100;

const addMessages = `INSERT INTO searched (conversation_id, seq, text)
  SELECT asked.conversation_id, asked.seq, found.text
  FROM events AS asked CROSS JOIN LATERAL lower_title(searched_text(asked.payload)) AS found (text)
  WHERE asked.conversation_id = ANY($1) AND asked.request_id IS NOT NULL AND found.text <> '' AND NOT EXISTS (${postgresRewindsOfAsked})
  ON CONFLICT DO NOTHING`;
const addTitles = `INSERT INTO searched (conversation_id, seq, text)
  SELECT conversation_id, 0, title_lower FROM conversations WHERE conversation_id = ANY($1) AND title_lower <> ''
    AND EXISTS (SELECT FROM events AS mark WHERE ${isRewind("mark")} AND mark.conversation_id = conversations.conversation_id)
  ON CONFLICT DO NOTHING`;

/** Returns the steps of a `SearchFill`. If several hosts take steps, they take them one after the other. */
export function searchFillStep(database: Database): () => Promise<FillProgress | undefined> {
  let atOnce = 1;
  const step = () =>
    database.transaction("idempotent", async (client): Promise<FillProgress | undefined> => {
      const { rows: done } = await client.query<{ conversation_id: string }>("SELECT * FROM search_fill FOR UPDATE");
      if (!done[0]) return undefined;
      // The locks are taken before the messages are read, so that no rewind removes a message between its reading and its adding.
      const { rows: next } = await client.query<{ conversation_id: string }>(
        `SELECT conversation_id FROM conversations WHERE conversation_id > $1 ORDER BY conversation_id LIMIT ${atOnce} FOR NO KEY UPDATE`,
        [done[0].conversation_id],
      );
      const ids = next.map(({ conversation_id }) => conversation_id);
      const isOver = ids.length < atOnce;
      const listed = [ids.filter((id) => !isOfSingleCall(id))];
      await client.query(addMessages, listed);
      await client.query(addTitles, listed);
      const { rows } = await client.query<{ done: number; total: number }>(
        "UPDATE search_fill SET conversation_id = coalesce($1, conversation_id), done = done + $2 RETURNING done, total",
        [ids.at(-1), ids.length],
      );
      if (isOver) await client.query("DELETE FROM search_fill");
      return rows[0] && { ...rows[0], isOver };
    });
  return async () => {
    const rows = await database.read("SELECT 1 FROM search_fill LIMIT 1");
    if (rows.length === 0) return undefined;
    const startedAt = performance.now();
    const progress = await step();
    const isLong = performance.now() - startedAt > stepMs;
    atOnce = isLong ? Math.ceil(atOnce / 2) : Math.min(2 * atOnce, mostAtOnce);
    return progress;
  };
}

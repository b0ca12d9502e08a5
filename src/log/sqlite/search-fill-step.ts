import { searchedTextIn } from "../shared/conversation-facts.js";
import type { FillProgress } from "../shared/search-fill.js";
import { isRewind } from "../sql/common-statements.js";
import { isListed } from "../sql/conversation-statements.js";
import { sqliteRewindsOfAsked } from "../sql/conversation-table.js";
import { idOf, numberIn, withinRange } from "../sql/sqlite-place.js";
import type { Connection } from "./connection.js";
import type { FileAccess } from "./file-access.js";

/** Time, in ms, after which a step ends. During a step, the thread does nothing else, and other processes cannot write. */
const mostMs = 4;
/** Number of messages that are added at once. */
const atOnce = 10;

/** Query of the next messages. It reads the index of request ids, because only messages have a request id. */
const next = `WITH next AS (SELECT request_id, id FROM entries
    WHERE request_id IS NOT NULL AND (request_id, id) > (SELECT request_id, entry FROM search_fill) ORDER BY request_id, id LIMIT ${atOnce})`;
const addMessages = `${next}
  INSERT OR IGNORE INTO searched (entry, text) SELECT id, text FROM (
    SELECT asked.id AS id, searched_text(asked.payload) AS text
    FROM next CROSS JOIN entries AS asked ON asked.id = next.id CROSS JOIN conversations ON number = ${numberIn("next.")}
    WHERE ${isListed} AND NOT EXISTS (${sqliteRewindsOfAsked})
  ) WHERE text <> ''`;
const addTitles = `${next}
  INSERT OR IGNORE INTO searched (entry, text) SELECT ${idOf("number", "0")}, title_lower
    FROM next CROSS JOIN conversations ON number = ${numberIn("next.")}
    WHERE ${isListed} AND title_lower <> '' AND EXISTS (SELECT 1 FROM entries AS mark WHERE ${isRewind("mark")} AND ${withinRange("number", { row: "mark." })})`;
const advance = `${next}
  UPDATE search_fill SET done = done + (SELECT count(*) FROM next),
    (request_id, entry) = (SELECT request_id, id FROM next ORDER BY request_id DESC, id DESC LIMIT 1)
  WHERE EXISTS (SELECT 1 FROM next) RETURNING done, total`;

/** Returns the steps of a `SearchFill`. Every step is a transaction of a few milliseconds. */
export function searchFillStep(db: Connection, access: FileAccess): () => Promise<FillProgress | undefined> {
  let hasFunction = false;
  const step = (): FillProgress | undefined => {
    const until = performance.now() + mostMs;
    let progress = db.prepare("SELECT done, total FROM search_fill").get() as FillProgress | undefined;
    if (!progress) return undefined;
    do {
      db.prepare(addMessages).run();
      db.prepare(addTitles).run();
      const moved = db.prepare(advance).get() as FillProgress | undefined;
      if (!moved) {
        db.exec("DELETE FROM search_fill");
        return { done: progress.done, total: progress.total, isOver: true };
      }
      progress = moved;
    } while (performance.now() < until);
    return { done: progress.done, total: progress.total, isOver: false };
  };
  return async () => {
    if (!access.read(() => db.prepare("SELECT 1 FROM search_fill").get())) return undefined;
    if (!hasFunction)
      db.function("searched_text", (json) => searchedTextIn({ ...JSON.parse(json), type: "user_message" }));
    hasFunction = true;
    return access.transaction(step);
  };
}

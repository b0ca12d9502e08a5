import type { ResultStore } from "../../core/chat-store.js";
import { StoreError } from "../../core/errors.js";
import type { Database } from "./connection/database.js";

/**
 * Large tool results, stored in the same database as the events. Texts are stored as JSON, because the type `text` of PostgreSQL cannot
 * hold NUL.
 */
export class PostgresResults implements ResultStore {
  readonly #database: Database;
  readonly #now: () => number;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async put(conversationId: string, resultId: string, text: string): Promise<void> {
    // If there is already a row with the same text, an earlier attempt has stored this text, and only the database's answer was lost.
    const rows = await this.#database.rows(
      "write",
      "idempotent",
      `INSERT INTO results (result_id, conversation_id, text, at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (result_id) DO UPDATE SET at = results.at WHERE results.text = excluded.text RETURNING result_id`,
      [resultId, conversationId, JSON.stringify(text), this.#now()],
    );
    if (rows.length === 0) throw new StoreError("write", `there is already another result ${resultId}`);
  }

  async read(resultId: string): Promise<string | undefined> {
    const query = "SELECT text FROM results WHERE result_id = $1";
    const [row] = await this.#database.read<{ text: string }>(query, [resultId]);
    return row && JSON.parse(row.text);
  }
}

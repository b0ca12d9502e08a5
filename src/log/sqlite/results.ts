import type { ResultStore } from "../../core/chat-store.js";
import type { Connection } from "./connection.js";
import type { FileAccess } from "./file-access.js";

/**
 * Large tool results, in the same file as the events. They have a table of their own, so that reading a conversation does not read them.
 * Texts are passed to the driver as bytes, because the driver would cut a text at its first NUL.
 */
export class SqliteResults implements ResultStore {
  readonly #db: Connection;
  readonly #now: () => number;
  readonly #access: FileAccess;

  constructor(db: Connection, now: () => number, access: FileAccess) {
    this.#db = db;
    this.#now = now;
    this.#access = access;
  }

  async put(conversationId: string, resultId: string, text: string): Promise<void> {
    const insert = "INSERT INTO results (result_id, conversation_id, text, at) VALUES (?, ?, CAST(? AS TEXT), ?)";
    await this.#access.transaction(() =>
      this.#db.prepare(insert).all(resultId, conversationId, Buffer.from(text), this.#now()),
    );
  }

  async read(resultId: string): Promise<string | undefined> {
    const select = this.#db.prepare("SELECT CAST(text AS BLOB) AS bytes FROM results WHERE result_id = ?");
    const row = this.#access.read(() => select.get(resultId) as { bytes: Uint8Array } | undefined);
    return row && Buffer.from(row.bytes).toString();
  }
}

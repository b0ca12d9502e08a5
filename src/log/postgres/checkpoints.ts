import type { CheckpointStore } from "../../core/chat-store.js";
import { putCheckpoint, readCheckpoint } from "../sql/common-statements.js";
import type { Database } from "./connection/database.js";

export class PostgresCheckpoints implements CheckpointStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put(conversationId: string, checkpoint: string): Promise<void> {
    await this.#database.rows("write", "idempotent", putCheckpoint("$1", "$2"), [conversationId, checkpoint]);
  }

  async read(conversationId: string): Promise<string | undefined> {
    const rows = await this.#database.read<{ checkpoint: string }>(readCheckpoint("$1"), [conversationId]);
    return rows[0]?.checkpoint;
  }
}

import type { CheckpointStore } from "../../core/chat-store.js";
import { putCheckpoint, readCheckpoint } from "../sql/common-statements.js";
import type { Connection } from "./connection.js";
import type { Guarded } from "./transaction.js";

export class SqliteCheckpoints implements CheckpointStore {
  readonly #db: Connection;
  readonly #guarded: Guarded;

  constructor(db: Connection, guarded: Guarded) {
    this.#db = db;
    this.#guarded = guarded;
  }

  async put(conversationId: string, checkpoint: string): Promise<void> {
    this.#guarded("write", () => this.#db.prepare(putCheckpoint("?1", "?2")).all(conversationId, checkpoint));
  }

  async read(conversationId: string): Promise<string | undefined> {
    const row = this.#guarded("read", () => this.#db.prepare(readCheckpoint("?1")).get(conversationId));
    return (row as { checkpoint: string } | undefined)?.checkpoint;
  }
}

import type { CheckpointStore } from "../../core/chat-store.js";
import { putCheckpoint, readCheckpoint } from "../sql/common-statements.js";
import type { Connection } from "./connection.js";
import type { FileAccess } from "./file-access.js";

export class SqliteCheckpoints implements CheckpointStore {
  readonly #db: Connection;
  readonly #access: FileAccess;

  constructor(db: Connection, access: FileAccess) {
    this.#db = db;
    this.#access = access;
  }

  async put(conversationId: string, checkpoint: string): Promise<void> {
    await this.#access.write(() => this.#db.prepare(putCheckpoint("?1", "?2")).all(conversationId, checkpoint));
  }

  async read(conversationId: string): Promise<string | undefined> {
    const row = this.#access.read(() => this.#db.prepare(readCheckpoint("?1")).get(conversationId));
    return (row as { checkpoint: string } | undefined)?.checkpoint;
  }
}

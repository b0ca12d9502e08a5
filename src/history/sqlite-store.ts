import type { ChatEvent, StoredEvent, UserMessageEvent } from "../core/chat.js";
import type { ChatStore, Claim, ConversationSummary, Observe } from "../core/ports.js";
import type { Connection, Statement } from "./connection.js";
import { openDatabase } from "./sqlite-database.js";
import { storeError } from "./sqlite-errors.js";
import { transaction } from "./transaction.js";

interface SqliteStoreOptions {
  now: () => number;
  observe: Observe;
  /** How long a statement waits for another process's lock. Our own transactions hold it for well under a millisecond. */
  busyTimeoutMs?: number;
}

/** Opens the event log, or makes it. An acknowledged event survives `kill -9`; a power cut may take the last ones. */
export async function openSqliteStore(path: string, options: SqliteStoreOptions): Promise<ChatStore> {
  try {
    const db = await openDatabase(path, options.busyTimeoutMs ?? 5_000, options.observe);
    return new SqliteStore(db, path, options.now);
  } catch (error) {
    throw storeError(error, path, "open");
  }
}

interface Row {
  seq: number;
  at: number;
  payload: string;
}

class SqliteStore implements ChatStore {
  readonly #db: Connection;
  readonly #path: string;
  readonly #now: () => number;
  readonly #insert: Statement;
  readonly #turnOfRequest: Statement;
  readonly #eventsOfTurn: Statement;
  readonly #eventsFrom: Statement;
  readonly #conversations: Statement;

  constructor(db: Connection, path: string, now: () => number) {
    this.#db = db;
    this.#path = path;
    this.#now = now;
    this.#insert = db.prepare(
      `INSERT INTO events (conversation_id, seq, turn_id, type, request_id, payload, at)
       VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE conversation_id = ?1), ?2, ?3, ?4, ?5, ?6)
       RETURNING seq`,
    );
    this.#turnOfRequest = db.prepare("SELECT turn_id FROM events WHERE conversation_id = ? AND request_id = ?");
    this.#eventsOfTurn = db.prepare(
      "SELECT seq, at, payload FROM events WHERE conversation_id = ? AND turn_id = ? ORDER BY seq",
    );
    this.#eventsFrom = db.prepare(
      "SELECT seq, at, payload FROM events WHERE conversation_id = ? AND seq >= ? ORDER BY seq",
    );
    // The inner query runs on the index alone. `id` and not `at` orders, because clocks go backwards.
    this.#conversations = db.prepare(
      `SELECT conversation_id AS "conversationId", seq AS "lastSeq", at AS "updatedAt"
       FROM (SELECT conversation_id, max(seq) AS seq FROM events GROUP BY conversation_id)
       JOIN events USING (conversation_id, seq) ORDER BY id DESC`,
    );
  }

  async claim(conversationId: string, event: UserMessageEvent): Promise<Claim> {
    return this.#guarded("write", () =>
      transaction(this.#db, () => {
        const known = this.#turnOfRequest.get(conversationId, event.requestId) as { turn_id: string } | undefined;
        if (!known) return { created: true, events: [this.#append(conversationId, event)] };
        return { created: false, events: toEvents(this.#eventsOfTurn.all(conversationId, known.turn_id)) };
      }),
    );
  }

  async append(conversationId: string, event: ChatEvent): Promise<StoredEvent> {
    return this.#guarded("write", () => transaction(this.#db, () => this.#append(conversationId, event)));
  }

  async read(conversationId: string, from = 1): Promise<StoredEvent[]> {
    return this.#guarded("read", () => toEvents(this.#eventsFrom.all(conversationId, from)));
  }

  async conversations(): Promise<ConversationSummary[]> {
    return this.#guarded("read", () => {
      const rows = this.#conversations.all() as ConversationSummary[];
      return rows.map((row) => ({ ...row }));
    });
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #append(conversationId: string, event: ChatEvent): StoredEvent {
    const { turnId, type } = event;
    const requestId = type === "user_message" ? event.requestId : null;
    const payload = JSON.stringify(event);
    const at = this.#now();
    const row = this.#insert.get(conversationId, turnId, type, requestId, payload, at) as { seq: number };
    return toEvent({ seq: row.seq, at, payload });
  }

  #guarded<T>(doing: "read" | "write", work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#path, doing);
    }
  }
}

function toEvents(rows: unknown[]): StoredEvent[] {
  return (rows as Row[]).map(toEvent);
}

function toEvent({ seq, at, payload }: Row): StoredEvent {
  return { ...JSON.parse(payload), seq, at };
}

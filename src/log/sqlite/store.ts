import type {
  ChatStore,
  CheckpointStore,
  Claim,
  ConversationPage,
  ConversationQuery,
  TurnRequest,
} from "../../core/chat-store.js";
import type { ChatEvent, StoredEvent, UserMessageEvent } from "../../core/events.js";
import { isOfSingleCall } from "../../core/ids.js";
import type { TurnGrant } from "../../core/turn-leases.js";
import type { Period, SpentTotals } from "../../core/usage-store.js";
import { isInMessages } from "../shared/conversation-facts.js";
import { requireSameEvents } from "../shared/fencing.js";
import { canContinue, requireSameContent, throwChanged } from "../shared/repeated-requests.js";
import { isOver, stateAfter } from "../shared/turn-state.js";
import { putCheckpoint, readCheckpoint } from "../sql/common-statements.js";
import { conversationQueries, type PageRow, pageFrom } from "../sql/conversation-statements.js";
import { numberOf, seqOf, withinRange } from "../sql/sqlite-ids.js";
import { addSpentTotals, haveSpent, spentOfPeriod, spentValues } from "../sql/usage-table.js";
import { SqliteArchive } from "./archive.js";
import { type Connection, inMemory, type Statement } from "./connection.js";
import { type DatabaseOptions, openDatabase } from "./database.js";
import { needsNote, SqliteEvents } from "./event-table.js";
import { FileAccess } from "./file-access.js";
import { SqliteHistories } from "./history-table.js";
import { connectionReader, type LogReader, SqliteReader } from "./reader.js";
import { SqliteResults } from "./results.js";
import { storeError } from "./store-errors.js";
import { SqliteTurns } from "./turns.js";
import { SqliteUsage } from "./usage-counters.js";

/**
 * Number of conversations in the longest page that is read in this thread. The read takes less than a millisecond. The thread of a reader
 * takes 40 ms to start.
 */
const mostInThisThread = 100;

interface SqliteStoreOptions extends Omit<DatabaseOptions, "busyTimeoutMs"> {
  /**
   * Longest time, in ms, that a write waits for the lock of another process. Transactions of this program hold the lock for much less
   * than a millisecond.
   */
  busyTimeoutMs?: number;
}

/**
 * Opens the event log; creates it if it is missing. An acknowledged event survives `kill -9`. Without `isFull`, the last events may be lost
 * in a power cut. With the path `inMemory`, the log ends with the process, and only this store can use it.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions): Promise<ChatStore> {
  try {
    const { busyTimeoutMs = 5_000 } = options;
    const db = await openDatabase(path, { ...options, busyTimeoutMs });
    return new SqliteStore(db, { ...options, path, busyTimeoutMs });
  } catch (error) {
    throw storeError(error, path, "open");
  }
}

class SqliteStore implements ChatStore {
  readonly turns: SqliteTurns;
  readonly results: SqliteResults;
  readonly archive: SqliteArchive;
  readonly usage: SqliteUsage;
  readonly checkpoints: SqliteCheckpoints;
  readonly #db: Connection;
  readonly #access: FileAccess;
  readonly #events: SqliteEvents;
  readonly #histories: SqliteHistories;
  readonly #turnOfRequest: Statement;
  readonly #messages: Statement;
  readonly #spent: Statement;
  readonly #addSpent: Statement;
  /** Reader for lists and overviews that people look at. */
  readonly #views: LogReader;

  constructor(
    db: Connection,
    { path, busyTimeoutMs, now }: { path: string; busyTimeoutMs: number; now: () => number },
  ) {
    this.#db = db;
    const access = new FileAccess(db, { path, patienceMs: busyTimeoutMs });
    this.#access = access;
    this.#views = path === inMemory ? connectionReader(db, access) : new SqliteReader({ path, busyTimeoutMs });
    this.usage = new SqliteUsage(db, this.#views);
    this.#events = new SqliteEvents(db, now);
    this.#histories = new SqliteHistories(db);
    this.turns = new SqliteTurns(db, now, access);
    this.results = new SqliteResults(db, now, access);
    const parts = { events: this.#events, histories: this.#histories, views: this.#views, usage: this.usage };
    this.archive = new SqliteArchive(db, { ...parts, access });
    this.checkpoints = new SqliteCheckpoints(db, access);
    this.#spent = db.prepare(spentOfPeriod("?", "?"));
    this.#addSpent = db.prepare(addSpentTotals("VALUES (?, ?, ?, ?, ?, ?)"));
    this.#turnOfRequest = db.prepare(
      `SELECT turn_id AS "turnId", ${seqOf()} AS seq FROM entries WHERE request_id = ?2 AND ${withinRange(numberOf("?1"))}`,
    );
    this.#messages = db.prepare(
      `SELECT turn_id AS "turnId", ${seqOf()} AS seq, payload FROM entries WHERE type = 'user_message' AND ${withinRange(numberOf("?1"))}`,
    );
  }

  async claim(conversationId: string, event: UserMessageEvent, request: TurnRequest): Promise<Claim> {
    this.#access.requireSameFile();
    return this.#access.transaction(() => {
      const known = this.#turnOf(conversationId, event.requestId);
      if (!known) {
        const { continues, workspace, folder = workspace } = request;
        if (continues !== undefined && !canContinue(continues, this.#events.from(conversationId, continues))) {
          throwChanged(conversationId);
        }
        const call = this.#histories.keep(conversationId, event);
        const first = this.#events.insert(conversationId, event, 1, { workspace: folder, stored: call?.stored });
        if (call) this.#histories.keepLast(conversationId, call);
        this.turns.enqueue(conversationId, event, request);
        return { created: true, turnId: event.turnId, ended: false, events: [first] };
      }
      const { turnId, seq } = known;
      const events = this.#events.ofTurn(conversationId, turnId, seq);
      requireSameContent(event, events[0]);
      const ended = isOver(events.at(-1));
      if (!ended) this.turns.reopen(conversationId, { ...event, turnId }, request);
      return { created: false, turnId, ended, events };
    });
  }

  async appendAll(conversationId: string, events: readonly ChatEvent[], grant: TurnGrant): Promise<StoredEvent[]> {
    const last = events.at(-1) as ChatEvent;
    const { turnId } = last;
    const state = stateAfter(last);
    const atOnce = () => this.#events.insertGranted(conversationId, events, grant);
    if (!state && !haveSpent(events) && !events.some(needsNote)) {
      const stored = await this.#access.write(atOnce);
      if (stored) return stored;
    }
    return this.#access.transaction(() => {
      let stored = atOnce();
      if (stored) for (const event of stored.filter(needsNote)) this.#events.noteFor(conversationId, event);
      else {
        this.turns.requireGrant(conversationId, turnId, grant.fence);
        const there = this.#events.onwards(conversationId, turnId, grant.position);
        if (there.length > 0) return requireSameEvents(there, events);
        stored = events.map((event, index) => this.#events.insert(conversationId, event, grant.position + index));
      }
      for (const event of stored) {
        const spent = spentValues([event], event.at, "");
        if (spent) this.#addSpent.run(...spent);
      }
      if (state) {
        this.usage.count(conversationId, turnId);
        this.turns.end(conversationId, turnId, state);
        this.#events.touch(conversationId, stored.at(-1)?.at);
      }
      return stored;
    });
  }

  async read(conversationId: string, from = 1, most?: number): Promise<StoredEvent[]> {
    return this.#access.read(() => this.#events.from(conversationId, from, most));
  }

  async readBefore(conversationId: string, before: number, most: number): Promise<StoredEvent[]> {
    return this.#access.read(() => this.#events.before(conversationId, before, most));
  }

  async conversations(query: ConversationQuery): Promise<ConversationPage> {
    if (query.text && isInMessages(query.text)) {
      const [recent, found] = conversationQueries.sqlite.search(query);
      const rows = await this.#views.rows<PageRow>(recent.sql, recent.values);
      if (rows.length > query.most) return pageFrom(rows, query);
      return pageFrom(await this.#views.rows<PageRow>(found.sql, found.values), query);
    }
    const { sql, values } = conversationQueries.sqlite.page(query);
    const isSearch = query.text || query.workspaces;
    const rows =
      isSearch || query.most > mostInThisThread
        ? await this.#views.rows<PageRow>(sql, values)
        : this.#access.read(() => this.#db.prepare(sql).all(...values) as PageRow[]);
    return pageFrom(rows, query);
  }

  async check(): Promise<{ isReadOnly: boolean }> {
    this.#access.read(() => this.#db.prepare("SELECT 1 FROM entries LIMIT 1").get());
    return { isReadOnly: false };
  }

  async spent({ since, until }: Period): Promise<SpentTotals> {
    return this.#access.read(() => this.#spent.get(since, until) as SpentTotals);
  }

  async close(): Promise<void> {
    await this.#views.close();
    await this.#access.settled();
    this.#db.close();
  }

  /** Returns the turn of the request, with the `seq` of its message. */
  #turnOf(conversationId: string, requestId: string): { turnId: string; seq: number } | undefined {
    if (!isOfSingleCall(conversationId)) {
      return this.#turnOfRequest.get(conversationId, requestId) as { turnId: string; seq: number } | undefined;
    }
    const messages = this.#messages.all(conversationId) as { turnId: string; seq: number; payload: string }[];
    return messages.find(({ payload }) => JSON.parse(payload).requestId === requestId);
  }
}

class SqliteCheckpoints implements CheckpointStore {
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

import type { TurnRequest } from "../../core/chat-store.js";
import type { UserMessageEvent } from "../../core/events.js";
import type {
  AbandonedTurn,
  HostProcess,
  LoggedTurnState,
  LogNode,
  NodeTurns,
  TurnLease,
  TurnLeases,
  TurnMail,
  TurnName,
} from "../../core/turn-leases.js";
import { fenced } from "../shared/fencing.js";
import {
  isNobodys,
  isUnfinished,
  turnCounts,
  unfinishedTurns,
  waitsForPerson,
  withNode,
} from "../sql/common-statements.js";
import { numberOf, withinRange } from "../sql/sqlite-ids.js";
import type { Connection } from "./connection.js";
import type { FileAccess } from "./file-access.js";
import { SqliteMail } from "./mail.js";

interface NodeRow extends Omit<LogNode, "silentMs" | "version"> {
  version: string | null;
}

interface LeaseRow {
  fence: number;
  crashes: number;
  options: string;
}

/**
 * Turn leases, in the same file as the events. Each change of a turn's owner increments `fence`, so that the previous owner can no longer
 * write.
 */
export class SqliteTurns implements TurnLeases {
  readonly #db: Connection;
  readonly #access: FileAccess;
  readonly #now: () => number;
  readonly #grant;
  readonly #remove;
  readonly #fail;
  readonly #mail: SqliteMail;
  readonly #version;

  constructor(db: Connection, now: () => number, access: FileAccess) {
    this.#db = db;
    this.#now = now;
    this.#access = access;
    this.#grant = db.prepare(
      "SELECT 1 FROM turns WHERE conversation_id = ? AND turn_id = ? AND fence = ? AND state = 'running'",
    );
    this.#remove = db.prepare("DELETE FROM turns WHERE conversation_id = ? AND turn_id = ?");
    this.#fail = db.prepare(
      "UPDATE turns SET state = 'failed', node_id = NULL, options = 'null' WHERE conversation_id = ? AND turn_id = ?",
    );
    this.#mail = new SqliteMail(db, access);
    this.#version = db.prepare("PRAGMA data_version");
  }

  /**
   * Queues the turn after the other turns of the conversation. The caller of this method and of the next three must have begun a
   * transaction.
   */
  enqueue(conversationId: string, { turnId, requestId }: UserMessageEvent, request: TurnRequest): void {
    const { nodeId, workspace, options } = request;
    this.#db
      .prepare(
        `INSERT INTO turns (conversation_id, conversation_number, turn_id, request_id, state, place, node_id, workspace, options)
         VALUES (?1, ${numberOf("?1")}, ?2, ?3, 'queued', ${nextPlace}, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET state = 'queued', place = excluded.place, node_id = excluded.node_id, fence = fence + 1,
           workspace = excluded.workspace, options = excluded.options`,
      )
      .all(conversationId, turnId, requestId, nodeId ?? null, workspace, JSON.stringify(options ?? null));
  }

  /**
   * Queues a turn again if it has failed. Also queues a turn that has no row because it was copied with its conversation. A queued or running
   * turn does not change.
   */
  reopen(conversationId: string, event: UserMessageEvent, request: TurnRequest): void {
    const row = this.#db
      .prepare("SELECT state FROM turns WHERE conversation_id = ? AND turn_id = ?")
      .get(conversationId, event.turnId) as { state: string } | undefined;
    if (row?.state === "queued" || row?.state === "running") return;
    this.enqueue(conversationId, event, request);
    this.#db
      .prepare("UPDATE conversations SET workspace = ? WHERE conversation_id = ?")
      .run(request.folder ?? request.workspace, conversationId);
  }

  requireGrant(conversationId: string, turnId: string, fence: number): void {
    if (this.#grant.get(conversationId, turnId, fence)) return;
    throw fenced(turnId);
  }

  /**
   * Removes a turn that has ended, because its events say all that is needed. A turn that has
   * failed keeps its fence, for the case that it is queued again; its options then come with the request.
   */
  end(conversationId: string, turnId: string, state: "ended" | "failed"): void {
    (state === "ended" ? this.#remove : this.#fail).all(conversationId, turnId);
    this.#mail.forget(conversationId, turnId);
  }

  async acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn = false,
    mostCrashes = Number.MAX_SAFE_INTEGER,
  ): Promise<TurnLease | undefined> {
    const isFirst = `NOT EXISTS (SELECT 1 FROM turns AS other WHERE other.conversation_id = ?1
         AND other.state IN ('queued', 'running') AND other.place < turns.place)`;
    const isItsTime = `conversation_id = ?1 AND turn_id = ?2 AND ${isUnfinished} AND (node_id = ?3 OR ${isNobodys})
       AND crashes <= ?4 AND ${isOutOfTurn ? "TRUE" : isFirst}`;
    const values = [conversationId, turnId, nodeId, mostCrashes];
    // Waiting callers ask often, so the query first runs without the write lock.
    if (this.#read(`SELECT 1 FROM turns WHERE ${isItsTime}`, ...values).length === 0) return undefined;
    const [row] = (await this.#write(
      `UPDATE turns SET state = 'running', node_id = ?3, fence = fence + 1,
         crashes = crashes + (state = 'running' AND node_id IS NOT NULL AND node_id <> ?3)
       WHERE ${isItsTime} RETURNING fence, crashes, options`,
      ...values,
    )) as LeaseRow[];
    return row && { fence: row.fence, crashes: row.crashes, options: JSON.parse(row.options) };
  }

  async beat({ nodeId, machine, pid, version }: HostProcess): Promise<number> {
    this.#access.requireSameFile();
    const seenAt = this.#now();
    await this.#write(
      `INSERT INTO nodes (node_id, machine, pid, seen_at, version) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at`,
      nodeId,
      machine,
      pid,
      seenAt,
      version ?? null,
    );
    return seenAt;
  }

  async leave(nodeId: string): Promise<void> {
    await this.#access.transaction(() => {
      this.#free(nodeId, 0);
      this.#db.prepare("DELETE FROM nodes WHERE node_id = ?").all(nodeId);
    });
  }

  async nodes(): Promise<LogNode[]> {
    const rows = this.#read(`SELECT node_id AS "nodeId", machine, pid, version, seen_at AS "seenAt" FROM nodes`);
    const now = this.#now();
    return (rows as NodeRow[]).map(({ version, ...row }) => ({
      ...row,
      version: version ?? undefined,
      silentMs: now - row.seenAt,
    }));
  }

  async load(): Promise<NodeTurns[]> {
    return (this.#read(turnCounts) as (NodeTurns & { nodeId: string | null })[]).map(withNode);
  }

  async bury(nodeId: string, seenAt: number): Promise<void> {
    await this.#access.transaction(() => {
      const dead = this.#db.prepare("DELETE FROM nodes WHERE node_id = ? AND seen_at <= ? RETURNING node_id");
      if (dead.get(nodeId, seenAt)) this.#free(nodeId, 1);
    });
  }

  async abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]> {
    const [column, value] = "workspace" in of ? ["workspace", of.workspace] : ["conversation_id", of.conversationId];
    return this.#unfinished(`${column} = ? AND ${isNobodys}`, value);
  }

  async held(nodeId: string): Promise<TurnName[]> {
    return this.#unfinished("node_id = ?", nodeId);
  }

  async release({ conversationId, turnId }: TurnName, nodeId: string): Promise<void> {
    await this.#write(`${free} AND conversation_id = ?3 AND turn_id = ?4`, nodeId, 1, conversationId, turnId);
  }

  async before(conversationId: string, turnId: string): Promise<string[]> {
    const rows = this.#read(
      `SELECT turn_id FROM turns WHERE conversation_id = ?1 AND ${isUnfinished}
         AND place < (SELECT place FROM turns WHERE conversation_id = ?1 AND turn_id = ?2) ORDER BY place`,
      conversationId,
      turnId,
    );
    return (rows as { turn_id: string }[]).map(({ turn_id }) => turn_id);
  }

  async stateOf(conversationId: string, turnId: string): Promise<LoggedTurnState | undefined> {
    const query = `SELECT crashes, ${isUnfinished} AS open FROM turns WHERE conversation_id = ? AND turn_id = ?`;
    const [row] = this.#read(query, conversationId, turnId) as { crashes: number; open: number }[];
    if (row) return { crashes: row.crashes, isUnfinished: row.open === 1 };
    const last = `SELECT 1 FROM entries WHERE ${withinRange(numberOf("?1"))} AND turn_id = ?2 ORDER BY id DESC LIMIT 1`;
    return this.#read(last, conversationId, turnId).length > 0 ? { crashes: 0, isUnfinished: false } : undefined;
  }

  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    return this.#mail.send(conversationId, turnId, mail);
  }

  async receive(nodeId: string) {
    return this.#mail.receive(nodeId);
  }

  async version(): Promise<number> {
    return this.#access.read(() => (this.#version.get() as { data_version: number }).data_version);
  }

  #free(nodeId: string, crash: 0 | 1): void {
    this.#db.prepare(free).all(nodeId, crash);
  }

  #unfinished(where: string, value: string): AbandonedTurn[] {
    const rows = this.#read(`${unfinishedTurns(where)} ORDER BY place, rowid`, value);
    return (rows as AbandonedTurn[]).map((row) => ({ ...row }));
  }

  #read(query: string, ...values: (string | number)[]): unknown[] {
    return this.#access.read(() => this.#db.prepare(query).all(...values));
  }

  /**
   * Runs one statement, which is a transaction of its own. Reads all its rows, because SQLite reports a failed commit only after the last
   * row.
   */
  #write(statement: string, ...values: (string | number | null)[]): Promise<unknown[]> {
    return this.#access.write(() => this.#db.prepare(statement).all(...values));
  }
}

const isAsking = waitsForPerson(
  `FROM entries WHERE ${withinRange("turns.conversation_number", { row: "entries." })} AND entries.turn_id = turns.turn_id`,
);
/** SQL that frees the turns of node ?1. ?2 is 1 if the node has crashed, otherwise 0. */
const free = `UPDATE turns SET node_id = NULL, fence = fence + 1, state = 'queued',
    crashes = crashes + (CASE WHEN state = 'running' AND NOT ${isAsking} THEN ?2 ELSE 0 END)
  WHERE node_id = ?1 AND ${isUnfinished}`;
const nextPlace = "(SELECT coalesce(max(place), 0) + 1 FROM turns WHERE conversation_id = ?1)";

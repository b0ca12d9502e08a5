import {
  type AbandonedTurn,
  answeredQuestionId,
  folderPattern,
  type HostProcess,
  type LoggedTurnState,
  type LogNode,
  type NodeTurns,
  sharedWorkspace,
  type TurnLease,
  type TurnLeases,
  type TurnMail,
  type TurnName,
} from "../../core/turn-leases.js";
import { foldVersion } from "../shared/schema-version.js";
import {
  isNobodys,
  isUnfinished,
  turnCounts,
  unfinishedTurns,
  waitsForPerson,
  withNode,
} from "../sql/common-statements.js";
import { jsonOf } from "../sql/postgres-json.js";
import type { Database } from "./connection/database.js";
import { logChannel, type Notices } from "./notices.js";

const notify = (value: number) => `pg_notify('${logChannel}', $${value})`;
const isAsking = waitsForPerson(
  "FROM events WHERE (conversation_id, turn_id) = (turns.conversation_id, turns.turn_id)",
);
/** SQL condition that says the same as `isResumedIn`, for a host of workspace $1. */
const isResumed = `(workspace = $1 OR ($1 = '${sharedWorkspace}' AND workspace ~ '${folderPattern}'))`;
/** SQL that frees the turns of node $1. $2 is 1 if the node has crashed, otherwise 0. */
const free = `UPDATE turns SET node_id = NULL, fence = fence + 1, state = 'queued',
    crashes = crashes + (CASE WHEN state = 'running' AND NOT ${isAsking} THEN $2::integer ELSE 0 END)
  WHERE node_id = $1 AND ${isUnfinished}`;
/** SQL for the database's time in ms. All delays are measured with this clock, because the clocks of machines differ. */
export const databaseNow = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/**
 * Returns SQL that queues the turn after the other turns of the conversation. The caller must hold the conversation's lock. `values`:
 * conversation ($1), turn, request, node, workspace, options. A turn that already exists is queued again only if it has failed. If a host
 * of a newer version has written to the conversation, the node does not own the turn, because only hosts of that version can run it.
 * `acquires` is a condition under which the node also acquires a new turn.
 */
export const enqueue = (
  [conversation, turn, request, node, ...rest]: readonly string[],
  from = "",
  acquires = "false",
) => `
  INSERT INTO turns (conversation_id, turn_id, request_id, state, fence, place, fold, node_id, workspace, options)
  SELECT ${conversation}, ${turn}, ${request}, CASE WHEN ${acquires} THEN 'running' ELSE 'queued' END, (${acquires})::integer,
    (SELECT coalesce(max(place), 0) + 1 FROM turns WHERE conversation_id = $1),
    greatest(${foldVersion}, (SELECT max(fold) FROM turns WHERE conversation_id = $1)),
    CASE WHEN (SELECT max(fold) FROM turns WHERE conversation_id = $1) > ${foldVersion} THEN NULL ELSE ${node}::text END,
    ${rest.join(", ")} ${from}
  ON CONFLICT (conversation_id, turn_id) DO UPDATE SET state = 'queued', place = excluded.place, fold = excluded.fold,
    node_id = excluded.node_id, fence = turns.fence + 1, workspace = excluded.workspace, options = excluded.options
  WHERE turns.state = 'failed'`;
/**
 * SQL that makes node $3 the owner of turn $2 of conversation $1, if no host owns it. Returns a row if the node then owns the turn and does
 * not run it yet. A crash of the previous owner counts if the turn was running.
 */
export const adopt = `UPDATE turns SET state = 'queued', node_id = $3, fence = fence + 1, crashes = crashes + (state = 'running')::integer
  WHERE conversation_id = $1 AND turn_id = $2 AND fold <= ${foldVersion}
    AND ((${isUnfinished} AND ${isNobodys}) OR (node_id = $3 AND state = 'queued')) RETURNING 1`;

/**
 * Longest time, in ms, that the database may take to report its time. If the query is slower, its result is too imprecise to correct the
 * clock.
 */
const promptMs = 500;

/**
 * Turn leases, in the same database as the events. Each change of a turn's owner increments `fence`, so that the previous owner can no
 * longer write.
 */
export class PostgresTurns implements TurnLeases {
  readonly #database: Database;
  readonly #beats: Database;
  readonly #notices: Notices;
  readonly #onLogTime: ((time: number) => void) | undefined;
  /**
   * The last call of `receive`. Each call waits for the previous one, so that mail (answers and cancellations) is marked as received before
   * it is read again.
   */
  #receiving: Promise<unknown> = Promise.resolve();

  /**
   * `beats` is a connection that is used only for heartbeats. If heartbeats had to wait for slow reads, the host would lose its turns.
   * `onLogTime` is called with the database's time after each heartbeat.
   */
  constructor(database: Database, beats: Database, notices: Notices, onLogTime?: (time: number) => void) {
    this.#onLogTime = onLogTime;
    this.#database = database;
    this.#beats = beats;
    this.#notices = notices;
  }

  async acquire(
    conversationId: string,
    turnId: string,
    nodeId: string,
    isOutOfTurn = false,
    mostCrashes = Number.MAX_SAFE_INTEGER,
  ): Promise<TurnLease | undefined> {
    const [row] = await this.#database.rows<{ fence: number; crashes: number; options: string }>(
      "write",
      "idempotent",
      `UPDATE turns SET state = 'running', node_id = $3, fence = fence + 1, fold = ${foldVersion},
         crashes = crashes + (state = 'running' AND node_id IS NOT NULL AND node_id <> $3)::integer
       WHERE conversation_id = $1 AND turn_id = $2 AND ${isUnfinished} AND (node_id = $3 OR ${isNobodys})
         AND fold <= ${foldVersion} AND crashes <= $5::bigint AND ($4 OR NOT EXISTS (SELECT FROM turns AS other WHERE other.conversation_id = $1
           AND other.state IN ('queued', 'running') AND other.place < turns.place))
       RETURNING fence, crashes, options`,
      [conversationId, turnId, nodeId, isOutOfTurn, mostCrashes],
    );
    return row && { fence: row.fence, crashes: row.crashes, options: JSON.parse(row.options) };
  }

  async beat({ nodeId, machine, pid, version }: HostProcess): Promise<number> {
    const sentAt = performance.now();
    const [row] = await this.#beats.rows<{ seenAt: number }>(
      "write",
      "idempotent",
      `INSERT INTO nodes (node_id, machine, pid, version, seen_at) VALUES ($1, $2, $3, $4, ${databaseNow})
       ON CONFLICT (node_id) DO UPDATE SET seen_at = excluded.seen_at RETURNING seen_at AS "seenAt"`,
      [nodeId, machine, pid, version],
    );
    if (row && performance.now() - sentAt < promptMs) this.#onLogTime?.(row.seenAt);
    return row?.seenAt ?? 0;
  }

  async leave(nodeId: string): Promise<void> {
    // Not retried, because a host that shuts down does not wait. If this fails, the host's turns become free when its lease expires.
    await this.#database.transaction("now", (client) =>
      Promise.all([
        client.query("DELETE FROM nodes WHERE node_id = $1", [nodeId]),
        client.query(free, [nodeId, 0]),
        client.query(`SELECT ${notify(1)}`, [this.#notices.payload("")]),
      ]),
    );
  }

  async nodes(of?: { machine: string; silentMs: number }): Promise<LogNode[]> {
    const rows = await this.#database.rows<Omit<LogNode, "version"> & { version: string | null }>(
      "read",
      "idempotent",
      `SELECT node_id AS "nodeId", machine, pid, version, seen_at AS "seenAt", ${databaseNow} - seen_at AS "silentMs" FROM nodes
       ${of ? `WHERE machine = $1 OR abs(${databaseNow} - seen_at) > $2` : ""}`,
      of ? [of.machine, of.silentMs] : [],
    );
    return rows.map(({ version, ...row }) => ({ ...row, version: version ?? undefined }));
  }

  async load(): Promise<NodeTurns[]> {
    const rows = await this.#database.read<NodeTurns & { nodeId: string | null }>(turnCounts);
    return rows.map(withNode);
  }

  async bury(nodeId: string, seenAt: number): Promise<void> {
    await this.#database.transaction("idempotent", async (client) => {
      const dead = await client.query("DELETE FROM nodes WHERE node_id = $1 AND seen_at <= $2", [nodeId, seenAt]);
      if (dead.rowCount === 0) return;
      client.query(free, [nodeId, 1]).catch(() => {}); // ignored here, because the last statement fails with the same error
      await client.query(`SELECT ${notify(1)}`, [this.#notices.payload("")]);
    });
  }

  async abandoned(of: { workspace: string } | { conversationId: string }): Promise<AbandonedTurn[]> {
    if ("conversationId" in of) return this.#unfinished(`conversation_id = $1 AND ${isNobodys}`, of.conversationId);
    return this.#unfinished(`${isResumed} AND ${isNobodys}`, of.workspace);
  }

  async held(nodeId: string): Promise<TurnName[]> {
    return this.#unfinished("node_id = $1", nodeId);
  }

  async release({ conversationId, turnId }: TurnName, nodeId: string): Promise<void> {
    await this.#database.rows(
      "write",
      "idempotent",
      `${free} AND conversation_id = $3 AND turn_id = $4 RETURNING ${notify(5)}`,
      [nodeId, 1, conversationId, turnId, this.#notices.payload(conversationId)],
    );
  }

  async before(conversationId: string, turnId: string): Promise<string[]> {
    const rows = await this.#database.rows<{ turn_id: string }>(
      "read",
      "idempotent",
      `SELECT turn_id FROM turns WHERE conversation_id = $1 AND ${isUnfinished}
         AND place < (SELECT place FROM turns WHERE conversation_id = $1 AND turn_id = $2) ORDER BY place`,
      [conversationId, turnId],
    );
    return rows.map(({ turn_id }) => turn_id);
  }

  async stateOf(conversationId: string, turnId: string): Promise<LoggedTurnState | undefined> {
    const query = `SELECT crashes, ${isUnfinished} AS "isUnfinished" FROM turns WHERE conversation_id = $1 AND turn_id = $2`;
    const last = `SELECT 0 AS crashes, false AS "isUnfinished" FROM events WHERE conversation_id = $1 AND turn_id = $2 ORDER BY seq DESC LIMIT 1`;
    const first = async (sql: string) => (await this.#database.read<LoggedTurnState>(sql, [conversationId, turnId]))[0];
    return (await first(query)) ?? first(last);
  }

  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const insert = `INSERT INTO mail (conversation_id, turn_id, mail, question_id) SELECT conversation_id, turn_id, $3, $5 FROM turns
       WHERE conversation_id = $1 AND turn_id = $2 AND ${isUnfinished} AND NOT EXISTS (SELECT FROM events
         WHERE conversation_id = $1 AND turn_id = $2 AND seq > coalesce(
             (SELECT seq FROM events AS asked WHERE asked.conversation_id = $1 AND asked.request_id = turns.request_id), 0)
           AND type = 'answer' AND ${jsonOf("payload")} ->> 'questionId' = $5)
       ON CONFLICT DO NOTHING RETURNING ${notify(4)}`;
    const payload = this.#notices.payload(conversationId);
    const values = [conversationId, turnId, JSON.stringify(mail), payload, answeredQuestionId(mail)];
    // Runs under the conversation's lock. When a turn ends, its mail is deleted. Without the lock, mail could be stored after that, and
    // would then stay for ever.
    // Of two answers to a question only the first is stored, so a repetition could not know whether its own was the first.
    const repeatable = mail.type === "answer" ? "once" : "idempotent";
    const [sent = []] = await this.#database.inConversation(repeatable, conversationId, [[insert, values]]);
    return sent.length > 0;
  }

  receive(nodeId: string): Promise<{ conversationId: string; turnId: string; mail: TurnMail }[]> {
    const received = this.#receiving.then(() => this.#receive(nodeId));
    this.#receiving = received.catch(() => {});
    return received;
  }

  async version(): Promise<number> {
    return this.#notices.version();
  }

  watch(watcher: (conversationId?: string) => void): () => void {
    return this.#notices.watch(watcher);
  }

  /** Reads mail, then marks it as received. Both steps can be repeated, so no mail is lost if an answer of the database is lost. */
  async #receive(nodeId: string) {
    const rows = await this.#database.rows<{ id: number; conversationId: string; turnId: string; mail: string }>(
      "read",
      "idempotent",
      `SELECT id, conversation_id AS "conversationId", turn_id AS "turnId", mail FROM mail
       JOIN turns USING (conversation_id, turn_id) WHERE node_id = $1 AND mail.fence IS DISTINCT FROM turns.fence ORDER BY id`,
      [nodeId],
    );
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const mark = `UPDATE mail SET fence = turns.fence FROM turns WHERE id = ANY($1::bigint[]) AND node_id = $2
      AND (turns.conversation_id, turns.turn_id) = (mail.conversation_id, mail.turn_id)`;
    await this.#database.rows("write", "idempotent", mark, [ids, nodeId]);
    return rows.map(({ conversationId, turnId, mail }) => ({
      conversationId,
      turnId,
      mail: JSON.parse(mail) as TurnMail,
    }));
  }

  #unfinished(where: string, value: string): Promise<AbandonedTurn[]> {
    const begun =
      "(SELECT id FROM events WHERE (conversation_id, request_id) = (turns.conversation_id, turns.request_id))";
    return this.#database.read(`${unfinishedTurns(where)} ORDER BY place, ${begun}`, [value]);
  }
}

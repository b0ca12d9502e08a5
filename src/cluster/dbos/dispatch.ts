import type { ClientBase } from "pg";
import type { PostgresConfig } from "../../core/config.js";
import type { NewId } from "../../core/ids.js";
import type { Observe } from "../../core/ports.js";
import type { AbandonedTurn, QueuedTurn, TurnName } from "../../core/turn-leases.js";
import type { Database } from "../../log/postgres/connection/database.js";
import { storeError } from "../../log/postgres/connection/store-errors.js";
import { foldVersion } from "../../log/shared/schema-version.js";
import { isUnfinished } from "../../log/sql/common-statements.js";
import type { TurnDispatch } from "../turn-dispatch.js";
import { join, leave, type Member } from "./membership.js";
import { type Launched, openQueue, type Ticket } from "./sdk.js";

export interface DispatchParts {
  config: PostgresConfig;
  database: Database;
  newId: NewId;
  now: () => number;
  observe: Observe;
}

/**
 * Returns the name of the queue for turns whose events have this version (see `foldVersion`). Only hosts of the same or a later version can
 * resume such turns.
 */
const queueOf = (fold: number) => `turns-v${fold}`;
/**
 * Ended workflows are deleted in batches, `deletionMs` after the first workflow of a batch has ended. Each host deletes the workflows that
 * ended on it. If it fails to do so, any other host deletes them `forgottenMs` after their end.
 */
const deletionMs = 1_000;
const forgottenMs = 60_000;
const deletedAtOnce = 500;

export class DbosDispatch implements TurnDispatch {
  readonly #parts: DispatchParts;
  #begun: Promise<void> | undefined;
  #member: Member | undefined;
  #dbos: Launched | undefined;
  #queue: Awaited<ReturnType<typeof openQueue>> | undefined;
  #isRetired = false;
  /** Workflow ids of the tickets (turns in the queue or given to a host) that were void at the last `offer`. */
  #void = new Set<string>();
  readonly #ended = new Set<string>();
  #deletion: NodeJS.Timeout | undefined;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  readonly enqueue = async (transaction: unknown, turn: QueuedTurn): Promise<void> => {
    await this.#put(transaction as ClientBase, turn, String(turn.place));
  };

  /** Joins the dispatch. Does nothing after `retire`: a host may close before it has begun. Rejects with StoreError. */
  async begin(nodeId: string, take: Member["take"]): Promise<void> {
    if (this.#isRetired) return;
    this.#begun ??= this.#begin(nodeId, take).catch((error: unknown) => {
      this.#begun = undefined;
      throw storeError(error, this.#parts.database.place, "open");
    });
    await this.#begun;
  }

  async offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void> {
    const dbos = this.#dbos;
    if (!dbos || this.#isRetired) return;
    const tickets = await this.#valid(dbos);
    const lost = new Set(tickets.filter(({ isGiven }) => isGiven).map(({ nodeId }) => nodeId));
    for (const nodeId of nodeIds) lost.delete(nodeId);
    for (const nodeId of lost) await dbos.giveBack(nodeId);
    const there = new Set(tickets.map(({ workflowId }) => turnOf(workflowId)));
    const missing = turns.filter((turn) => !there.has(turnOf(workflowIdOf(turn, ""))));
    for (const turn of missing) {
      const suffix = this.#parts.newId("again");
      await this.#parts.database.transaction("idempotent", (client) => this.#put(client, turn, suffix));
    }
    const forgotten = new Date(this.#parts.now() - forgottenMs);
    for (const workflowId of await dbos.ended(forgotten, deletedAtOnce)) this.#deleteSoon(workflowId);
  }

  /**
   * Returns the valid tickets. Deletes each ticket that was void at two calls of `offer` in a row, because a void ticket blocks the turns
   * behind it. A ticket is void in two cases: the ticket was given to this host, but its turn does not run here; or its turn has ended,
   * whichever host has the ticket.
   */
  async #valid(dbos: Launched): Promise<Ticket[]> {
    const tickets = await dbos.tickets();
    const unfinished = new Set((await this.#unfinished()).map((turn) => turnOf(workflowIdOf(turn, ""))));
    const stands = ({ workflowId, isUnheard }: Ticket) => !isUnheard && unfinished.has(turnOf(workflowId));
    const suspects = new Set(tickets.filter((ticket) => !stands(ticket)).map(({ workflowId }) => workflowId));
    const isVoid = ({ workflowId }: Ticket) => suspects.has(workflowId) && this.#void.has(workflowId);
    const voids = tickets.filter(isVoid).map(({ workflowId }) => workflowId);
    this.#void = suspects;
    if (voids.length > 0) await dbos.delete(voids);
    return tickets.filter((ticket) => !isVoid(ticket));
  }

  #unfinished(): Promise<TurnName[]> {
    const query = `SELECT conversation_id AS "conversationId", turn_id AS "turnId" FROM turns WHERE ${isUnfinished}`;
    return this.#parts.database.rows<TurnName>("read", "idempotent", query);
  }

  async giveBack(nodeId: string): Promise<void> {
    await this.#dbos?.giveBack(nodeId);
  }

  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.#begun?.catch(() => {});
    clearTimeout(this.#deletion);
    await this.#delete();
    if (this.#member) await leave(this.#member);
  }

  async #begin(nodeId: string, take: Member["take"]): Promise<void> {
    const { config, database, observe } = this.#parts;
    this.#queue = await openQueue(database.pool, observe);
    this.#member = {
      nodeId,
      take: async (turn: TurnName) => !this.#isRetired && ((await this.#isPassedOn(turn)) || take(turn)),
      onEnded: (workflowId: string) => this.#deleteSoon(workflowId),
    };
    const queues = Array.from({ length: foldVersion }, (_, index) => queueOf(index + 1));
    this.#dbos = await join(this.#member, { config, database, queues, observe });
  }

  /**
   * If a host of a newer version has written to the turn since the turn was enqueued, this host can no longer resume the turn. In this
   * case, puts the turn into the queue of that version and resolves with true.
   */
  async #isPassedOn(turn: TurnName): Promise<boolean> {
    const { database, newId } = this.#parts;
    const query = "SELECT place, fold FROM turns WHERE conversation_id = $1 AND turn_id = $2 AND fold > $3";
    const values = [turn.conversationId, turn.turnId, foldVersion];
    try {
      const [row] = await database.rows<{ place: number; fold: number }>("read", "idempotent", query, values);
      if (!row) return false;
      await database.transaction("idempotent", (client) => this.#put(client, { ...turn, ...row }, newId("again")));
      return true;
    } catch {
      return false; // the query failed, so the turn is not passed on; a host of an older version cannot acquire the turn anyway
    }
  }

  async #put(client: ClientBase, turn: QueuedTurn, suffix: string): Promise<void> {
    await this.#queue?.(client, queueOf(turn.fold), workflowIdOf(turn, suffix), turn);
  }

  #deleteSoon(workflowId: string): void {
    this.#ended.add(workflowId);
    this.#deletion ??= setTimeout(() => void this.#delete(), deletionMs).unref();
  }

  /** Deletes ended workflows. If that fails, a later `offer` finds the same workflows again, on any host. */
  async #delete(): Promise<void> {
    this.#deletion = undefined;
    const workflowIds = [...this.#ended];
    this.#ended.clear();
    if (workflowIds.length > 0) await this.#dbos?.delete(workflowIds).catch(() => {});
  }
}

function workflowIdOf({ conversationId, turnId }: TurnName, suffix: string): string {
  return `${conversationId}/${turnId}/${suffix}`;
}

function turnOf(workflowId: string): string {
  return workflowId.slice(0, workflowId.lastIndexOf("/"));
}

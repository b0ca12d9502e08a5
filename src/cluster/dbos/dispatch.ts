import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConfig } from "../../core/config.js";
import { messageOf } from "../../core/errors.js";
import type { Observe } from "../../core/ports.js";
import type { AbandonedTurn, TurnName } from "../../core/turn-leases.js";
import type { Database } from "../../log/postgres/connection/database.js";
import { storeError } from "../../log/postgres/connection/store-errors.js";
import { adopt } from "../../log/postgres/turns.js";
import { foldVersion } from "../../log/shared/schema-version.js";
import { isUnfinished } from "../../log/sql/common-statements.js";
import type { TurnDispatch } from "../free-turns.js";
import { join, leave, type Member } from "./membership.js";
import { type Launched, openQueue, type Ticket } from "./sdk.js";

export interface DispatchParts {
  config: PostgresConfig;
  database: Database;
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
/**
 * Id of the advisory lock of the host that enqueues free turns. All hosts find the same turns at the same time, and would wait for each
 * other's rows in different orders. The number spells "FREE".
 */
const offerLock = 0x46524545;
/** Pause, in ms, before a turn is taken again after the database has failed. */
const retryMs = 1_000;

export class DbosDispatch implements TurnDispatch {
  readonly #parts: DispatchParts;
  #member: Member | undefined;
  /** The running instance of DBOS. Undefined while it rests. */
  #dbos: Promise<Launched> | undefined;
  #queue: Awaited<ReturnType<typeof openQueue>> | undefined;
  #isRetired = false;
  /** Workflow ids of the tickets (turns in the queue or given to a host) that were void at the last `offer`. */
  #void = new Set<string>();
  /** Ids of ended workflows that will be deleted. */
  readonly #ended = new Set<string>();
  #deletion: NodeJS.Timeout | undefined;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  /** Joins the dispatch. Does nothing after `retire`: a host may close before it has begun. Rejects with StoreError. */
  async begin(nodeId: string, take: (turn: TurnName) => void): Promise<void> {
    if (this.#isRetired) return;
    this.#member ??= {
      nodeId,
      take: (turn) => this.#take(turn, take),
      onEnded: (workflowId) => this.#deleteSoon(workflowId),
    };
    await this.#wake(this.#member);
  }

  async offer(turns: readonly AbandonedTurn[]): Promise<void> {
    const member = this.#member;
    if (!member || this.#isRetired) return;
    if (!turns.some(({ fold }) => fold <= foldVersion)) return this.#rest(member);
    const dbos = await this.#wake(member);
    const tickets = await this.#valid(dbos);
    await this.#giveBackOfLost(dbos, tickets);
    await this.#enqueueMissing(turns, tickets);
    await this.#deleteForgotten(dbos);
  }

  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#member) await this.#rest(this.#member);
  }

  #wake(member: Member): Promise<Launched> {
    this.#dbos ??= this.#launch(member).catch((error: unknown) => {
      this.#dbos = undefined;
      throw storeError(error, this.#parts.database.address, "open");
    });
    return this.#dbos;
  }

  async #launch(member: Member): Promise<Launched> {
    const { config, database, observe } = this.#parts;
    this.#queue ??= await openQueue(database.pool, observe);
    const queues = Array.from({ length: foldVersion }, (_, index) => queueOf(index + 1));
    return join(member, { config, database, queues, observe });
  }

  /** Gives the tickets of hosts that are no longer in the log back to the queue. */
  async #giveBackOfLost(dbos: Launched, tickets: readonly Ticket[]): Promise<void> {
    const lost = new Set(tickets.filter(({ isGiven }) => isGiven).map(({ nodeId }) => nodeId));
    if (lost.size > 0) for (const nodeId of await this.#living()) lost.delete(nodeId);
    for (const nodeId of lost) await dbos.giveBack(nodeId);
  }

  /** Enqueues the turns that have no ticket. Turns that another host has just enqueued stay as they are. */
  async #enqueueMissing(all: readonly AbandonedTurn[], tickets: readonly Ticket[]): Promise<void> {
    const there = new Set(tickets.map(({ workflowId }) => turnOf(workflowId)));
    const turns = all.filter((turn) => !there.has(turnOf(workflowIdOf(turn))));
    if (turns.length === 0) return;
    await this.#parts.database.transaction("idempotent", async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock(${offerLock})`);
      await Promise.all(turns.map((turn) => this.#queue?.(client, queueOf(turn.fold), workflowIdOf(turn), turn)));
    });
  }

  async #living(): Promise<string[]> {
    const nodes = "SELECT node_id FROM nodes";
    const rows = await this.#parts.database.read<{ node_id: string }>(nodes);
    return rows.map(({ node_id }) => node_id);
  }

  /**
   * Ends DBOS until turns are free again, because it sends some twenty statements a second, also while it has nothing to do. Tickets that no
   * longer stand for a free turn are deleted first, because no host would look at them until then.
   */
  async #rest(member: Member): Promise<void> {
    if (!this.#dbos) return;
    const dbos = await this.#dbos.catch(() => undefined);
    clearTimeout(this.#deletion);
    await this.#delete();
    await (dbos && this.#deleteSpent(dbos))?.catch(this.#report);
    this.#dbos = undefined;
    await leave(member);
  }

  /**
   * Makes this host the owner of a turn that DBOS has given to it. Does nothing if the turn has ended, or if another host owns it: if it is
   * free again later, it is offered again. Resolves with false if this host takes no turns any more.
   */
  async #take(turn: TurnName, take: (turn: TurnName) => void): Promise<boolean> {
    const { database } = this.#parts;
    const values = [turn.conversationId, turn.turnId, this.#member?.nodeId];
    while (!this.#isRetired) {
      try {
        const isOwn = (await database.rows("write", "idempotent", adopt, values)).length > 0;
        if (isOwn) take(turn);
        return true;
      } catch (error) {
        this.#report(error);
        await sleep(retryMs, undefined, { ref: false });
      }
    }
    return false;
  }

  /**
   * Returns the valid tickets. Deletes each ticket that was void at two calls of `offer` in a row, because a void ticket blocks the turns
   * behind it. A ticket is void in two cases: the ticket was given to this host, but its turn does not run here; or its turn has ended,
   * whichever host has the ticket.
   */
  async #valid(dbos: Launched): Promise<Ticket[]> {
    const tickets = await dbos.tickets();
    const unfinished = new Set((await this.#unfinished()).map(nameOf));
    const stands = ({ workflowId, isUnheard }: Ticket) => !isUnheard && unfinished.has(turnOf(workflowId));
    const suspects = new Set(tickets.filter((ticket) => !stands(ticket)).map(({ workflowId }) => workflowId));
    const isVoid = ({ workflowId }: Ticket) => suspects.has(workflowId) && this.#void.has(workflowId);
    const voids = tickets.filter(isVoid).map(({ workflowId }) => workflowId);
    this.#void = suspects;
    if (voids.length > 0) await dbos.delete(voids);
    return tickets.filter((ticket) => !isVoid(ticket));
  }

  /** Deletes the tickets of turns that have ended, or that had another owner since they were enqueued. */
  async #deleteSpent(dbos: Launched): Promise<void> {
    const tickets = await dbos.tickets();
    if (tickets.length === 0) return;
    const valid = new Set((await this.#unfinished()).map(workflowIdOf));
    const spent = tickets.map(({ workflowId }) => workflowId).filter((workflowId) => !valid.has(workflowId));
    if (spent.length > 0) await dbos.delete(spent);
  }

  #unfinished(): Promise<(TurnName & { fence: number })[]> {
    const query = `SELECT conversation_id AS "conversationId", turn_id AS "turnId", fence FROM turns WHERE ${isUnfinished}`;
    return this.#parts.database.read(query);
  }

  readonly #report = (error: unknown): void => {
    this.#parts.observe({ level: "warn", scope: "session", message: messageOf(error) });
  };

  #deleteSoon(workflowId: string): void {
    this.#ended.add(workflowId);
    this.#deletion ??= setTimeout(() => void this.#delete(), deletionMs).unref();
  }

  async #deleteForgotten(dbos: Launched): Promise<void> {
    const endedBefore = new Date(this.#parts.now() - forgottenMs);
    for (const workflowId of await dbos.ended(endedBefore, deletedAtOnce)) this.#deleteSoon(workflowId);
  }

  /** Deletes ended workflows. If that fails, a later `offer` finds the same workflows again, on any host. */
  async #delete(): Promise<void> {
    this.#deletion = undefined;
    const workflowIds = [...this.#ended];
    this.#ended.clear();
    const dbos = await this.#dbos?.catch(() => undefined);
    if (workflowIds.length > 0) await dbos?.delete(workflowIds).catch(() => {});
  }
}

/**
 * Returns the id of the ticket for a free turn. Hosts that offer a turn at the same time make the same id. The fence is another one each
 * time that the turn becomes free.
 */
function workflowIdOf(turn: TurnName & { fence: number }): string {
  return `${nameOf(turn)}/${turn.fence}`;
}

function nameOf({ conversationId, turnId }: TurnName): string {
  return `${conversationId}/${turnId}`;
}

function turnOf(workflowId: string): string {
  return workflowId.slice(0, workflowId.lastIndexOf("/"));
}

/** Decides which host runs which turn, by the leases of the event log. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../core/errors.js";
import { defaultLeaseMs } from "../core/lease.js";
import type { Observe } from "../core/ports.js";
import type {
  AbandonedTurn,
  HostProcess,
  LogNode,
  TurnLease,
  TurnLeases,
  TurnMail,
  TurnName,
  TurnRequest,
  TurnState,
} from "../core/store-ports.js";
import { Changes } from "./changes.js";
import { Custody } from "./custody.js";
import { beatsPerLease, LostHosts } from "./lost-hosts.js";
import { Suspects } from "./suspects.js";
import type { TurnDispatch } from "./turn-dispatch.js";
import { TurnNews } from "./turn-news.js";

export interface EngineParts {
  turns: TurnLeases;
  node: HostProcess;
  /** Workspace of this host. Turns of another workspace need its servers, so they are left to its hosts. */
  workspace: string;
  /** True if the node's process is certainly gone, so that its lease need not expire first. */
  isGone: (node: LogNode) => boolean;
  observe: Observe;
  leaseMs?: number;
  /** Undefined: a turn runs on the host that claimed it, or on any host that finds it abandoned. */
  dispatch?: TurnDispatch;
}

interface EngineEvents {
  /** True if a turn of this conversation, or of any, runs or waits here. */
  isBusy(conversationId?: string): boolean;
  has(turn: TurnName): boolean;
  abandoned(turn: AbandonedTurn): void;
  /** Runs a turn dispatched to this host. Resolves when it neither runs nor waits here. */
  given(turn: TurnName): Promise<void>;
  mail(conversationId: string, turnId: string, mail: TurnMail): void;
}

/** Time between two checks for writes by other hosts, while a turn runs or waits here. */
const pollMs = 40;
/** Number of sweeps between two checks that every waiting turn is on the queue. */
const offerEverySweeps = 4;

export class TurnEngine {
  readonly nodeId: string;
  readonly workspace: string;
  readonly custody: Custody;
  readonly suspects = new Suspects((conversationId) => this.wake(conversationId));
  readonly #parts: EngineParts;
  readonly #leaseMs: number;
  readonly #events: EngineEvents;
  readonly #ended = new AbortController();
  readonly #lostHosts: LostHosts;
  readonly #news: TurnNews;
  readonly #changes = new Changes();
  /** Turns given to this host that it neither runs nor shows: no notifications arrive for them. */
  readonly #unsettled = new Set<TurnName>();
  #begun: Promise<void> | undefined;
  #isRepeating = false;
  #recovers = false;
  #sweeps = 0;

  constructor(parts: EngineParts, events: EngineEvents) {
    this.nodeId = parts.node.nodeId;
    this.workspace = parts.workspace;
    this.#parts = parts;
    this.#events = events;
    this.#leaseMs = parts.leaseMs ?? defaultLeaseMs;
    const { turns, node, isGone } = parts;
    this.#lostHosts = new LostHosts({ turns, node, isGone, leaseMs: this.#leaseMs });
    this.custody = new Custody({ turns, nodeId: this.nodeId, hosts: this.#lostHosts });
    this.#news = new TurnNews({
      turns,
      nodeId: this.nodeId,
      isBusy: events.isBusy,
      mail: events.mail,
      changed: (conversationId) => this.wake(conversationId),
      report: this.#report,
    });
  }

  /** Registers this host with the others, before its first turn. Rejects with StoreError. */
  begin(): Promise<void> {
    this.#begun ??= this.#orAgain(this.#begin());
    return this.#begun;
  }

  /** Starts to resume turns of lost hosts and to take dispatched turns. */
  async recover(): Promise<void> {
    this.#recovers = true;
    if (this.#begun) this.#begun = this.#orAgain(this.#begun.then(() => this.#takePart()));
    await this.begin();
  }

  /**
   * Describes a claim by this host. Turns of its workspace are dispatched if there is a dispatch. Turns of another workspace stay here,
   * since only this host may have their servers.
   */
  request(options: unknown, workspace = this.workspace): TurnRequest {
    const dispatch = workspace === this.workspace ? this.#dispatch : undefined;
    return { workspace, options, ...(dispatch ? { enqueue: dispatch.enqueue } : { nodeId: this.nodeId }) };
  }

  /** Notes that a claim by this host has enqueued a turn. */
  claimed(): void {
    this.#dispatch?.hurry();
  }

  /** Returns the turns of this workspace that no host owns. */
  async abandoned(): Promise<AbandonedTurn[]> {
    await this.begin();
    return this.#parts.turns.abandoned({ workspace: this.workspace });
  }

  /** Returns the turns of this conversation that no host owns, in order: later turns wait for them. */
  abandonedIn(conversationId: string): Promise<AbandonedTurn[]> {
    return this.#parts.turns.abandoned({ conversationId });
  }

  /** True if the turn is on the queue, so that a host will be given it. */
  isDispatched({ workspace }: AbandonedTurn): boolean {
    return this.#dispatch !== undefined && workspace === this.workspace;
  }

  stateOf(conversationId: string, turnId: string): Promise<TurnState | undefined> {
    return this.#parts.turns.stateOf(conversationId, turnId);
  }

  before(conversationId: string, turnId: string): Promise<string[]> {
    return this.#parts.turns.before(conversationId, turnId);
  }

  /** Acquires the lease as `TurnLeases.acquire` does, and reads the mail sent to the turn's previous owner. */
  async acquire(
    conversationId: string,
    turnId: string,
    { isOutOfTurn, mostCrashes }: { isOutOfTurn?: boolean; mostCrashes?: number | undefined } = {},
  ): Promise<TurnLease | undefined> {
    const lease = await this.#parts.turns.acquire(conversationId, turnId, this.nodeId, isOutOfTurn, mostCrashes);
    if (lease) await this.#news.receive();
    return lease;
  }

  /** Sends mail to the turn's owner, which may be this host. False if the turn has ended, or its question was answered. */
  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const isSent = await this.#parts.turns.send(conversationId, turnId, mail);
    this.#news.expect();
    return isSent;
  }

  /** Waits like `Changes.next`, and keeps this process alive meanwhile. */
  changed(conversationId: string): Promise<void> {
    return this.#changes.next(conversationId, this.#leaseMs);
  }

  wake(conversationId?: string): void {
    this.#changes.happened(conversationId);
  }

  /** Stops taking dispatched turns. Those it has continue; waiting ones are left to others. */
  async retire(): Promise<void> {
    await this.#dispatch?.retire();
  }

  /** Releases the unfinished turns of this host to others. */
  async close(): Promise<void> {
    this.#ended.abort();
    if (this.#begun) {
      await this.retire();
      await this.#begun.then(() => this.#parts.turns.leave(this.nodeId)).catch(this.#report);
      await this.#dispatch?.close().catch(this.#report);
    }
    this.wake();
  }

  get #dispatch(): TurnDispatch | undefined {
    return this.#recovers ? this.#parts.dispatch : undefined;
  }

  async #begin(): Promise<void> {
    await this.#lostHosts.beat();
    await this.#takePart();
    if (this.#isRepeating) return;
    this.#isRepeating = true;
    // Independent loops: a sweep that waits for the log must not delay a heartbeat.
    this.#repeat(this.#leaseMs / beatsPerLease, () => this.#lostHosts.beat());
    this.#repeat(this.#leaseMs / beatsPerLease, () => this.#sweep());
    this.#repeat(pollMs, () => this.#news.poll());
    const unwatch = this.#parts.turns.watch?.((conversationId) => this.#news.noticed(conversationId));
    if (unwatch) this.#ended.signal.addEventListener("abort", unwatch);
  }

  /** Lets the next call of `begin` retry after a failure. */
  #orAgain(beginning: Promise<void>): Promise<void> {
    return beginning.catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
  }

  async #takePart(): Promise<void> {
    await this.#dispatch?.begin(this.nodeId, (turn) => this.#given(turn));
    await this.#sweep();
  }

  /** Resolves to true when the turn has ended on any host, to false when this host leaves it to others. */
  async #given(turn: TurnName): Promise<boolean> {
    const { conversationId, turnId } = turn;
    while (!this.#ended.signal.aborted) {
      const changed = this.changed(conversationId); // before the check, so that no change is missed
      await this.#events.given(turn);
      try {
        if (!(await this.stateOf(conversationId, turnId))?.isUnfinished) return true;
      } catch (error) {
        this.#report(error); // a failure of the log: the turn is retried once the log recovers
      }
      this.#unsettled.add(turn);
      await changed;
      this.#unsettled.delete(turn);
    }
    return false;
  }

  async #sweep(): Promise<void> {
    this.#sweeps++;
    for (const { conversationId } of this.#unsettled) this.wake(conversationId);
    const { turns, observe } = this.#parts;
    const { living, dead } = await this.#lostHosts.look();
    for (const { nodeId, pid, seenAt } of dead) {
      observe({ level: "info", scope: "session", message: `the host of process ${pid} is gone; its turns are free` });
      await this.#dispatch?.giveBack(nodeId); // first, since a node still in the log is swept again
      await turns.bury(nodeId, seenAt);
    }
    // Turns that a failure of the log has stopped here, without an end in the log.
    const stuck = (await this.custody.look()).filter((turn) => !this.#events.has(turn));
    for (const turn of stuck) await turns.release(turn, this.nodeId);
    if (dead.length + stuck.length > 0) this.wake();
    if (!this.#recovers) return;
    const dispatch = this.#dispatch;
    if (dispatch && this.#sweeps % offerEverySweeps !== 1 && dead.length + stuck.length === 0) return;
    const abandoned = await turns.abandoned({ workspace: this.workspace });
    const nodeIds = living.map(({ nodeId }) => nodeId);
    if (dispatch) await dispatch.offer(abandoned, nodeIds);
    else for (const turn of abandoned) this.#events.abandoned(turn);
  }

  /** Repeats the work until the engine closes. A failure of the log does not stop it. */
  #repeat(ms: number, work: () => Promise<void>): void {
    const next = async () => {
      for (;;) {
        await sleep(ms, undefined, { signal: this.#ended.signal, ref: false });
        await work().catch(this.#report);
      }
    };
    next().catch(() => {}); // the engine has closed
  }

  readonly #report = (error: unknown): void => {
    this.#parts.observe({ level: "warn", scope: "session", message: messageOf(error) });
  };
}

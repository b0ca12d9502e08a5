/** Decides which host runs which turn, using the leases in the event log. */
import { setTimeout as sleep } from "node:timers/promises";
import { Changes, type ChangeWatch } from "../core/async/changes.js";
import type { LocalTurns } from "../core/cluster-port.js";
import { messageOf, type StoreError } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import type {
  AbandonedTurn,
  HostProcess,
  LogNode,
  TurnLease,
  TurnLeases,
  TurnMail,
  TurnName,
} from "../core/turn-leases.js";
import { defaultLeaseMs, isResumedIn } from "../core/turn-leases.js";
import { CrashQuarantine } from "./crash-quarantine.js";
import { FreeTurns, type TurnDispatch } from "./free-turns.js";
import { LogNews } from "./log-news.js";
import { beatsPerLease, LostHosts } from "./lost-hosts.js";
import { RefusedWrites } from "./refused-writes.js";
import { TurnOwnership } from "./turn-ownership.js";

export interface EngineParts {
  turns: TurnLeases;
  node: HostProcess;
  /** Workspace of this host. This host does not take over turns of another workspace, because they need the servers of that workspace. */
  workspace: string;
  /** True if the process of the host has certainly ended. Other hosts then take over the turns of that host before its lease expires. */
  isGone: (node: LogNode) => boolean;
  observe: Observe;
  leaseMs?: number;
  /**
   * Distributes turns over the hosts of one database. If undefined, turns are not distributed: a turn runs on the host that received its
   * request. If that host is lost, the first host that finds the turn runs it.
   */
  dispatch?: TurnDispatch;
}

/** Time between two checks whether other hosts have written to the log, in ms. The checks run only while a turn runs or waits here. */
const pollMs = 40;
/** Number of sweeps (searches for lost hosts) within a lease. */
const sweepsPerLease = 3;
/** Number of sweeps between two that also search for turns that no host runs. */
const thoroughEvery = 4;

export class TurnEngine {
  readonly nodeId: string;
  readonly ownership: TurnOwnership;
  readonly quarantine = new CrashQuarantine((conversationId) => this.wake(conversationId));
  readonly #parts: EngineParts;
  readonly #leaseMs: number;
  readonly #events: LocalTurns;
  readonly #ended = new AbortController();
  readonly #lostHosts: LostHosts;
  readonly #news: LogNews;
  readonly #changes = new Changes();
  /** Ids of the turns that were given to this host, until they are over here. */
  readonly #given = new Set<string>();
  #begun: Promise<void> | undefined;
  #isRepeating = false;
  #recovers = false;
  #takesAny = false;
  #sweeps = 0;
  readonly #freeTurns: FreeTurns;
  readonly #writes: RefusedWrites;

  constructor(parts: EngineParts, events: LocalTurns) {
    this.nodeId = parts.node.nodeId;
    this.#parts = parts;
    this.#events = events;
    this.#leaseMs = parts.leaseMs ?? defaultLeaseMs;
    const { turns, node, isGone } = parts;
    this.#writes = new RefusedWrites({ leaseMs: this.#leaseMs, report: this.#report, ended: this.#ended.signal });
    this.#lostHosts = new LostHosts({ turns, node, isGone, leaseMs: this.#leaseMs });
    this.#freeTurns = new FreeTurns({
      find: () => turns.abandoned({ workspace: parts.workspace }),
      give: async (free) => {
        if (this.#dispatch) await this.#dispatch.offer(free);
        else for (const turn of free) events.abandoned(turn);
      },
      isWanted: () => this.#takesAny && !this.#ended.signal.aborted,
    });
    this.ownership = new TurnOwnership({ turns, nodeId: this.nodeId, hosts: this.#lostHosts });
    this.#news = new LogNews({
      turns,
      nodeId: this.nodeId,
      isBusy: (conversationId) => events.isBusy(conversationId),
      mail: events.mail,
      changed: (conversationId) => this.wake(conversationId),
      report: this.#report,
    });
  }

  /** Registers this host in the log and starts its heartbeats. Must be called before the first turn. Rejects with StoreError. */
  begin(): Promise<void> {
    this.#begun ??= this.#orAgain(this.#begin());
    return this.#begun;
  }

  async recover({ takesAny }: { takesAny: boolean }): Promise<void> {
    this.#recovers = true;
    this.#takesAny ||= takesAny;
    if (this.#begun) this.#begun = this.#orAgain(this.#begun.then(() => this.#takePart()));
    await this.begin();
  }

  /** True if the turn, which no host owns, will be dispatched to a host. */
  isDispatched({ workspace }: AbandonedTurn): boolean {
    return this.#dispatch !== undefined && isResumedIn(this.#parts.workspace, workspace);
  }

  /**
   * Acquires the lease of a turn as `TurnLeases.acquire` does. On success, also reads the mail (answers and cancellations) that was sent to
   * the turn's previous owner.
   */
  async acquire(
    conversationId: string,
    turnId: string,
    { isOutOfTurn, mostCrashes }: { isOutOfTurn?: boolean; mostCrashes?: number | undefined } = {},
  ): Promise<TurnLease | undefined> {
    const lease = await this.#parts.turns.acquire(conversationId, turnId, this.nodeId, isOutOfTurn, mostCrashes);
    if (lease) await this.#news.receive();
    return lease;
  }

  /** See `Cluster.writeError`. */
  get writeError(): StoreError | undefined {
    return this.#writes.error;
  }

  /** Notes why the log did not store a request. */
  noteRefused(error: unknown): void {
    this.#writes.noteRequest(error);
  }

  /** See `OwnedTurn.retryRefused`. */
  retryRefused<T>(write: () => Promise<T>, isOpen: () => boolean, givenUp?: AbortSignal): Promise<T> {
    return this.#writes.retry(write, () => this.#recovers && isOpen(), givenUp);
  }

  lostHosts(): Promise<LogNode[]> {
    return this.#lostHosts.find();
  }

  nodes(): Promise<LogNode[]> {
    return this.#parts.turns.nodes();
  }

  /**
   * Sends mail to the host that owns the turn, which may be this host. Resolves with false if the turn has ended, or if its question has
   * already been answered.
   */
  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const isSent = await this.#parts.turns.send(conversationId, turnId, mail);
    this.#news.expect();
    return isSent;
  }

  /** Watches the conversation like `Changes.watch`. The caller must dispose of the watch. */
  watch(conversationId: string): ChangeWatch {
    return this.#changes.watch(conversationId);
  }

  wake(conversationId?: string): void {
    this.#changes.happened(conversationId);
  }

  /** Stops taking dispatched turns. Turns that run on this host continue. Turns that only wait on this host are left to other hosts. */
  async retire(): Promise<void> {
    await this.#dispatch?.retire();
  }

  /** Stops the engine. Gives up the leases of unfinished turns, so that other hosts can resume them. */
  async close(): Promise<void> {
    this.#ended.abort();
    const begun = this.#begun;
    if (begun) {
      await this.retire().catch(this.#report);
      await begun.catch(() => {}); // the caller of `begin` gets this error
      await this.#parts.turns.leave(this.nodeId).catch(this.#report);
    }
    this.wake();
  }

  get #dispatch(): TurnDispatch | undefined {
    return this.#takesAny ? this.#parts.dispatch : undefined;
  }

  async #begin(): Promise<void> {
    await this.#beat();
    await this.#takePart();
    if (this.#isRepeating) return;
    this.#isRepeating = true;
    // Two independent loops: a sweep that waits for the log must not delay a heartbeat.
    this.#repeat(this.#leaseMs / beatsPerLease, () => this.#beat());
    this.#repeat(this.#leaseMs / sweepsPerLease, () => this.#sweep());
    this.#repeat(pollMs, () => this.#news.poll());
    const unwatch = this.#parts.turns.watch?.((conversationId) => this.#noticed(conversationId));
    if (unwatch) this.#ended.signal.addEventListener("abort", unwatch);
  }

  async #beat(): Promise<void> {
    try {
      await this.#lostHosts.beat();
      this.#writes.beat();
    } catch (error) {
      this.#writes.beat(error);
      throw error;
    }
  }

  /**
   * Returns the given promise. If it rejects, because the start has failed, resets `#begun`, so that the next call of `begin` tries again.
   */
  #orAgain(beginning: Promise<void>): Promise<void> {
    return beginning.catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
  }

  async #takePart(): Promise<void> {
    await this.#dispatch?.begin(this.nodeId, (turn) => this.#take(turn));
    await this.#sweep();
  }

  /** Runs a turn that had lost its host and that this host owns from now on. */
  #take(turn: TurnName): void {
    this.#given.add(turn.turnId);
    void this.#events.given(turn).finally(() => this.#given.delete(turn.turnId));
  }

  #noticed(conversationId: string | undefined): void {
    this.#news.noticed(conversationId);
    if (conversationId !== undefined) return;
    this.#freeTurns.offer().catch(this.#report); // a host has left or was lost, so its turns are free
  }

  async #sweep(): Promise<void> {
    this.#sweeps++;
    const { turns, observe } = this.#parts;
    const lost = await this.#lostHosts.find();
    for (const { nodeId, pid, seenAt } of lost) {
      observe({
        level: "info",
        scope: "session",
        message: `the host of process ${pid} has ended; other hosts may continue its turns`,
      });
      await turns.bury(nodeId, seenAt);
    }
    const isThorough = this.#sweeps % thoroughEvery === 1;
    const held = isThorough || this.#events.isBusy() ? await this.ownership.look() : [];
    // Turns that this host owns but no longer runs: a failure of the log stopped them before their end could be stored.
    const stuck = held.filter((turn) => !this.#events.has(turn) && !this.#given.has(turn.turnId));
    for (const turn of stuck) await turns.release(turn, this.nodeId);
    if (lost.length + stuck.length > 0) this.wake();
    if (this.#recovers) this.#events.swept();
    if (this.#dispatch && !isThorough && !this.#freeTurns.mayExist && lost.length + stuck.length === 0) return;
    await this.#freeTurns.offer();
  }

  /** Repeats the work every `ms` until the engine closes. If the work fails, the error is reported and the repetition continues. */
  #repeat(ms: number, work: () => Promise<void>): void {
    const next = async () => {
      for (;;) {
        await sleep(ms, undefined, { signal: this.#ended.signal, ref: false });
        await work().catch(this.#report);
      }
    };
    next().catch(() => {}); // `next` rejects only because the engine has closed
  }

  readonly #report = (error: unknown): void => {
    this.#parts.observe({ level: "warn", scope: "session", message: messageOf(error) });
  };
}

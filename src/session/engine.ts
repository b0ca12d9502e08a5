/** Which process runs which turn, over the leases of the event log. */
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
  /** Hosts of other workspaces have other servers: their turns are left to them. */
  workspace: string;
  /** Whether the process of the node is certainly gone, so that its lease need not be waited for. */
  isGone: (node: LogNode) => boolean;
  observe: Observe;
  leaseMs?: number;
  /** Without one a turn is run by the process that claimed it, and by whoever finds that nobody has it any more. */
  dispatch?: TurnDispatch;
}

interface EngineEvents {
  /** Whether a turn runs or waits here: of this conversation, or of any. */
  isBusy(conversationId?: string): boolean;
  /** Whether the turn runs or waits here. */
  has(turn: TurnName): boolean;
  abandoned(turn: AbandonedTurn): void;
  /** A turn that this process was given. Resolves when it neither runs nor waits here any more. */
  given(turn: TurnName): Promise<void>;
  mail(conversationId: string, turnId: string, mail: TurnMail): void;
}

/** How often the log is asked whether another process has written, while a turn runs or waits here. */
const pollMs = 40;
/** How often it is asked whether each turn that waits is on the queue. */
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
  /** Turns that this process was given, and neither runs nor shows: their news are not told. */
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

  /** Before the first turn: this process is known to the others from now on. Rejects with StoreError. */
  begin(): Promise<void> {
    this.#begun ??= this.#orAgain(this.#begin());
    return this.#begun;
  }

  /** Also goes on with what dead processes left behind, and takes what is dispatched, now and from time to time. */
  async recover(): Promise<void> {
    this.#recovers = true;
    if (this.#begun) this.#begun = this.#orAgain(this.#begun.then(() => this.#takePart()));
    await this.begin();
  }

  /**
   * What a claim of this process says of it. Turns of its workspace are dispatched, where there is a dispatch; those of another have
   * servers that only this process may have, and stay here.
   */
  request(options: unknown, workspace = this.workspace): TurnRequest {
    const dispatch = workspace === this.workspace ? this.#dispatch : undefined;
    return { workspace, options, ...(dispatch ? { enqueue: dispatch.enqueue } : { nodeId: this.nodeId }) };
  }

  /** A claim of this process has put a turn on the queue. */
  claimed(): void {
    this.#dispatch?.hurry();
  }

  /** Turns of this workspace that nobody has. */
  async abandoned(): Promise<AbandonedTurn[]> {
    await this.begin();
    return this.#parts.turns.abandoned({ workspace: this.workspace });
  }

  /** Turns of this conversation that nobody has, in their order: those that come later wait for them. */
  abandonedIn(conversationId: string): Promise<AbandonedTurn[]> {
    return this.#parts.turns.abandoned({ conversationId });
  }

  /** Whether the turn is on the queue, so that a process will be given it. */
  isDispatched({ workspace }: AbandonedTurn): boolean {
    return this.#dispatch !== undefined && workspace === this.workspace;
  }

  /** How the turn is, in whichever process. Undefined when its conversation was deleted. */
  stateOf(conversationId: string, turnId: string): Promise<TurnState | undefined> {
    return this.#parts.turns.stateOf(conversationId, turnId);
  }

  /** Unfinished turns of the conversation that this one waits for. */
  before(conversationId: string, turnId: string): Promise<string[]> {
    return this.#parts.turns.before(conversationId, turnId);
  }

  /** Undefined while it is not this process's turn, or its crashes are more. Out of turn: to end it without running it. */
  async acquire(
    conversationId: string,
    turnId: string,
    { isOutOfTurn, mostCrashes }: { isOutOfTurn?: boolean; mostCrashes?: number | undefined } = {},
  ): Promise<TurnLease | undefined> {
    const lease = await this.#parts.turns.acquire(conversationId, turnId, this.nodeId, isOutOfTurn, mostCrashes);
    if (lease) await this.#news.receive(); // what was said to it while another process had it
    return lease;
  }

  /** To whoever has the turn, also when that is this process. False when it has ended, or its question was answered. */
  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    const isSent = await this.#parts.turns.send(conversationId, turnId, mail);
    this.#news.expect();
    return isSent;
  }

  /** As `Changes.next`, and this process stays alive meanwhile. */
  changed(conversationId: string): Promise<void> {
    return this.#changes.next(conversationId, this.#leaseMs);
  }

  /** As `Changes.happened`. */
  wake(conversationId?: string): void {
    this.#changes.happened(conversationId);
  }

  /** Takes no more turns: what it has goes on, what waits is for others. */
  async retire(): Promise<void> {
    await this.#dispatch?.retire();
  }

  /** Unfinished turns of this process are free for others from now on. */
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
    // Each by itself: a sweep that has to wait for the log keeps no beat back.
    this.#repeat(this.#leaseMs / beatsPerLease, () => this.#lostHosts.beat());
    this.#repeat(this.#leaseMs / beatsPerLease, () => this.#sweep());
    this.#repeat(pollMs, () => this.#news.poll());
    const unwatch = this.#parts.turns.watch?.((conversationId) => this.#news.noticed(conversationId));
    if (unwatch) this.#ended.signal.addEventListener("abort", unwatch);
  }

  /** What fails is tried again at the next call of `begin`. */
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

  /** True when the turn has ended, here or elsewhere; false when this process leaves it to others. */
  async #given(turn: TurnName): Promise<boolean> {
    const { conversationId, turnId } = turn;
    while (!this.#ended.signal.aborted) {
      const changed = this.changed(conversationId); // from before the look, so that no change is missed
      await this.#events.given(turn);
      try {
        if (!(await this.stateOf(conversationId, turnId))?.isUnfinished) return true;
      } catch (error) {
        this.#report(error); // the log's trouble: the turn is tried again when it has passed
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
      await this.#dispatch?.giveBack(nodeId); // first: a node that is still known will be swept again
      await turns.bury(nodeId, seenAt);
    }
    // Those that the log's trouble has ended here, without an end in the log.
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

  /** Until the end. A log that cannot be read or written for a moment does not end it. */
  #repeat(ms: number, work: () => Promise<void>): void {
    const next = async () => {
      for (;;) {
        await sleep(ms, undefined, { signal: this.#ended.signal, ref: false });
        await work().catch(this.#report);
      }
    };
    next().catch(() => {}); // the end
  }

  readonly #report = (error: unknown): void => {
    this.#parts.observe({ level: "warn", scope: "session", message: messageOf(error) });
  };
}

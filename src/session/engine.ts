/** Which process runs which turn, over the leases of the event log: the embedded engine, for one machine. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../core/errors.js";
import type { Observe } from "../core/ports.js";
import type { AbandonedTurn, HostProcess, LogNode, TurnLease, TurnLeases, TurnMail } from "../core/store-ports.js";

export interface EngineParts {
  turns: TurnLeases;
  node: HostProcess;
  /** Hosts of other workspaces have other servers: their turns are left to them. */
  workspace: string;
  /** Whether the process of the node is certainly gone, so that its lease need not be waited for. */
  isGone: (node: LogNode) => boolean;
  observe: Observe;
  leaseMs?: number;
}

interface EngineEvents {
  /** Whether a turn runs or waits here. */
  isBusy(): boolean;
  /** Whether the turn runs or waits here. */
  has(turn: AbandonedTurn): boolean;
  abandoned(turn: AbandonedTurn): void;
  mail(conversationId: string, turnId: string, mail: TurnMail): void;
}

export const defaultLeaseMs = 10_000;
const beatsPerLease = 4;
/** How often the log is asked whether another process has written, while a turn runs or waits here. One pragma, without a lock. */
const pollMs = 40;
const unknownVersion = -1;

/** Hosts whose process is gone, or that have not said for a lease's time that they live. */
export async function deadNodes(
  turns: TurnLeases,
  { isGone, leaseMs = defaultLeaseMs }: Pick<EngineParts, "isGone" | "leaseMs">,
): Promise<LogNode[]> {
  return (await turns.nodes()).filter((node) => node.silentMs > leaseMs || isGone(node));
}

export class TurnEngine {
  readonly nodeId: string;
  readonly workspace: string;
  readonly #parts: EngineParts;
  readonly #leaseMs: number;
  readonly #events: EngineEvents;
  readonly #ended = new AbortController();
  #waiting: (() => void)[] = [];
  #begun: Promise<void> | undefined;
  #recovers = false;
  /** Of the log, at the last look into the mail; below all others when there may be mail that came before it. */
  #version = unknownVersion;
  #beatAt: number | undefined;

  constructor(parts: EngineParts, events: EngineEvents) {
    this.nodeId = parts.node.nodeId;
    this.workspace = parts.workspace;
    this.#parts = parts;
    this.#events = events;
    this.#leaseMs = parts.leaseMs ?? defaultLeaseMs;
  }

  /** Before the first turn: this process is known to the others from now on. Rejects with StoreError. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin().catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
    return this.#begun;
  }

  /** Also goes on with what dead processes left behind, now and from time to time. */
  async recover(): Promise<void> {
    this.#recovers = true;
    await (this.#begun ? this.#begun.then(() => this.#sweep()) : this.begin());
  }

  /** Turns of this workspace that nobody has. */
  async abandoned(): Promise<AbandonedTurn[]> {
    await this.begin();
    return this.#parts.turns.abandoned({ workspace: this.workspace });
  }

  /** Turns of this conversation that nobody has: those that come later wait for them. */
  abandonedIn(conversationId: string): Promise<AbandonedTurn[]> {
    return this.#parts.turns.abandoned({ conversationId });
  }

  /** Unfinished turns of the conversation that this one waits for. */
  before(conversationId: string, turnId: string): Promise<string[]> {
    return this.#parts.turns.before(conversationId, turnId);
  }

  /** False when the turn's conversation was deleted. */
  isKnown(conversationId: string, turnId: string): Promise<boolean> {
    return this.#parts.turns.isKnown(conversationId, turnId);
  }

  /** Undefined while it is not this process's turn. */
  async acquire(conversationId: string, turnId: string): Promise<TurnLease | undefined> {
    const lease = await this.#parts.turns.acquire(conversationId, turnId, this.nodeId);
    if (lease) await this.#receive(); // what was said to it while another process had it
    return lease;
  }

  /** To whoever has the turn, also when that is this process. */
  async send(conversationId: string, turnId: string, mail: TurnMail): Promise<void> {
    await this.#parts.turns.send(conversationId, turnId, mail);
    this.#version = unknownVersion; // one's own writing does not count as a change
  }

  /** Resolves when something may have changed: a turn ended here, or another process wrote. Until then this process stays alive. */
  changed(): Promise<void> {
    const alive = setInterval(() => {}, this.#leaseMs);
    return new Promise((resolve) =>
      this.#waiting.push(() => {
        clearInterval(alive);
        resolve();
      }),
    );
  }

  /** Whoever waits for a turn to end looks again. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Unfinished turns of this process are free for others from now on. */
  async close(): Promise<void> {
    this.#ended.abort();
    if (this.#begun) await this.#begun.then(() => this.#parts.turns.leave(this.nodeId)).catch(this.#report);
    this.wake();
  }

  async #begin(): Promise<void> {
    await this.#beat();
    await this.#sweep();
    this.#repeat(this.#leaseMs / beatsPerLease, async () => this.#sweep(await this.#beat()));
    this.#repeat(pollMs, () => this.#poll());
  }

  /** False when this process or the log has stood still, or the log's clock was set: whoever is late may have been held up by the same. */
  async #beat(): Promise<boolean> {
    const seenAt = await this.#parts.turns.beat(this.#parts.node);
    const lastBeatAt = this.#beatAt ?? seenAt;
    this.#beatAt = seenAt;
    return seenAt - lastBeatAt < (2 * this.#leaseMs) / beatsPerLease;
  }

  async #sweep(wasSteady = true): Promise<void> {
    const { turns, isGone, observe } = this.#parts;
    const isOther = ({ nodeId }: LogNode) => nodeId !== this.nodeId;
    const isLost = (node: LogNode) => isGone(node) || (wasSteady && node.silentMs > this.#leaseMs);
    const dead = (await turns.nodes()).filter((node) => isOther(node) && isLost(node));
    for (const { nodeId, pid, seenAt } of dead) {
      observe({ level: "info", scope: "session", message: `the host of process ${pid} is gone; its turns are free` });
      await turns.bury(nodeId, seenAt);
    }
    // Those that the log's trouble has ended here, without an end in the log.
    const stuck = (await turns.held(this.nodeId)).filter((turn) => !this.#events.has(turn));
    for (const turn of stuck) await turns.release(turn, this.nodeId);
    if (dead.length + stuck.length > 0) this.wake();
    if (this.#recovers)
      for (const turn of await turns.abandoned({ workspace: this.workspace })) this.#events.abandoned(turn);
  }

  async #poll(): Promise<void> {
    if (!this.#events.isBusy()) return;
    const version = await this.#parts.turns.version();
    if (version === this.#version) return;
    this.#version = version;
    await this.#receive();
    this.wake();
  }

  async #receive(): Promise<void> {
    for (const { conversationId, turnId, mail } of await this.#parts.turns.receive(this.nodeId)) {
      this.#events.mail(conversationId, turnId, mail);
    }
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

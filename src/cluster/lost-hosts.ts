/** Detects lost hosts by their heartbeats in the log, measured with the clock of the log. */
import type { HostProcess, LogNode, TurnLeases } from "../core/turn-leases.js";

export const beatsPerLease = 4;

interface LostHostsParts {
  turns: TurnLeases;
  node: HostProcess;
  isGone: (node: LogNode) => boolean;
  leaseMs: number;
}

type Judged = Pick<LostHostsParts, "isGone" | "leaseMs">;

/** True if the host has sent no heartbeat for longer than `ms`. The silence is negative if the clock was set back after the heartbeat. */
export const isSilent = ({ silentMs }: LogNode, ms: number) => Math.abs(silentMs) > ms;

/**
 * Returns the hosts whose process has ended, and those that have sent no heartbeat for longer than a lease. The silent ones may be alive: the
 * log may have been away, or its clock was set.
 */
export async function findSilentHosts(turns: TurnLeases, { isGone, leaseMs }: Judged): Promise<LogNode[]> {
  return (await turns.nodes()).filter((node) => isSilent(node, leaseMs) || isGone(node));
}

/**
 * Returns the hosts that are lost, for a process that sends no heartbeats itself. If a host is silent, watches for a lease whether it sends
 * one. `wait` resolves after so many ms.
 */
export async function watchForLostHosts(
  turns: TurnLeases,
  { wait, ...judged }: Judged & { wait: (ms: number) => Promise<unknown> },
): Promise<LogNode[]> {
  const silent = await findSilentHosts(turns, judged);
  if (silent.every(judged.isGone)) return silent;
  await wait(judged.leaseMs);
  const seenAt = new Map((await turns.nodes()).map((node) => [node.nodeId, node.seenAt]));
  return silent.filter((node) => seenAt.get(node.nodeId) === node.seenAt);
}

/**
 * Sends the heartbeats of this host, and decides which other hosts are lost. If this process or the log has stalled, or the log's clock was
 * set, heartbeats of other hosts may look late although these hosts are alive. So for the duration of a lease after that, no host counts as
 * lost merely because it is silent. A process that has just begun cannot know whether that has happened, so it waits for a lease as well.
 */
export class LostHosts {
  readonly #parts: LostHostsParts;
  /** Time of the last heartbeat, by the log's clock. */
  #beatAt: number | undefined;
  /** Time of the last irregular heartbeat, by the log's clock. The first heartbeat is irregular. */
  #irregularAt = 0;
  /** Time at which the last confirmed heartbeat was sent, by the clock of `performance`. */
  #sentAt = Number.NEGATIVE_INFINITY;
  /** Time since which every heartbeat was confirmed within a lease, by the clock of `performance`. */
  #heardSince = Number.NEGATIVE_INFINITY;

  constructor(parts: LostHostsParts) {
    this.#parts = parts;
  }

  async beat(): Promise<void> {
    const { turns, node, leaseMs } = this.#parts;
    const sentAt = performance.now();
    const seenAt = await turns.beat(node);
    const heardAt = performance.now();
    if (heardAt - this.#sentAt >= leaseMs) this.#heardSince = heardAt;
    this.#sentAt = Math.max(this.#sentAt, sentAt);
    const isRegular = this.#beatAt !== undefined && Math.abs(seenAt - this.#beatAt) < this.#regularMs;
    if (!isRegular) this.#irregularAt = seenAt;
    this.#beatAt = seenAt;
  }

  /** True if it is certain that, since `at`, no other host has considered this host lost. `at` is by the clock of `performance`. */
  isHeardSince(at: number): boolean {
    return at >= this.#heardSince && performance.now() - this.#sentAt < this.#parts.leaseMs;
  }

  async find(): Promise<LogNode[]> {
    const { turns, node, isGone, leaseMs } = this.#parts;
    const nodes = await turns.nodes({ machine: node.machine, silentMs: leaseMs });
    const own = nodes.find(({ nodeId }) => nodeId === node.nodeId);
    // This host's own heartbeat in the log must be recent too, and the one that `#isSteady` knows. Otherwise the log was unreachable or its
    // clock was set, and the heartbeats of other hosts in the log may be outdated.
    const isOwnRecent = own !== undefined && own.seenAt === this.#beatAt && !isSilent(own, this.#regularMs);
    const mayJudge = this.#isSteady && isOwnRecent;
    const isLost = (other: LogNode) => isGone(other) || (mayJudge && isSilent(other, leaseMs));
    return nodes.filter((other) => other !== own && isLost(other));
  }

  /** True if all heartbeats within the last lease were regular. */
  get #isSteady(): boolean {
    return this.#beatAt !== undefined && this.#beatAt - this.#irregularAt >= this.#parts.leaseMs;
  }

  /** A heartbeat is regular if it comes within this time after the one before it, in ms. */
  get #regularMs(): number {
    return (2 * this.#parts.leaseMs) / beatsPerLease;
  }
}

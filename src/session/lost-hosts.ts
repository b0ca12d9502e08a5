/** Detects lost hosts, as far as one host can by the clock of the log. */
import type { HostProcess, LogNode, TurnLeases } from "../core/store-ports.js";

export const beatsPerLease = 4;

interface LostHostsParts {
  turns: TurnLeases;
  node: HostProcess;
  isGone: (node: LogNode) => boolean;
  leaseMs: number;
}

/** Returns hosts whose process is gone, or that sent no heartbeat for a lease's time. */
export async function deadNodes(
  turns: TurnLeases,
  { isGone, leaseMs }: Pick<LostHostsParts, "isGone" | "leaseMs">,
): Promise<LogNode[]> {
  return (await turns.nodes()).filter((node) => node.silentMs > leaseMs || isGone(node));
}

/**
 * Sends this host's heartbeats and judges those of others. It does not judge for a lease's time after this process or the log has stalled,
 * or the log's clock was set: the others may have been held up by the same.
 */
export class LostHosts {
  readonly #parts: LostHostsParts;
  #beatAt: number | undefined;
  #unsteadyAt: number | undefined;
  #isSteady = true;
  /** By a monotonic clock: when the last received heartbeat was sent, and since when none was received too late. */
  #sentAt = Number.NEGATIVE_INFINITY;
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
    const lastBeatAt = this.#beatAt ?? seenAt;
    const isSteady = Math.abs(seenAt - lastBeatAt) < this.#standstillMs;
    if (!isSteady) this.#unsteadyAt = seenAt;
    this.#beatAt = seenAt;
    this.#isSteady = seenAt - (this.#unsteadyAt ?? Number.NEGATIVE_INFINITY) >= leaseMs;
  }

  /** True if no host can have considered this one lost since `at`, by the clock of `performance`. */
  isHeardSince(at: number): boolean {
    return at >= this.#heardSince && performance.now() - this.#sentAt < this.#parts.leaseMs;
  }

  async look(): Promise<{ living: LogNode[]; dead: LogNode[] }> {
    const { turns, node, isGone, leaseMs } = this.#parts;
    const nodes = await turns.nodes();
    const own = nodes.find(({ nodeId }) => nodeId === node.nodeId);
    // The answer may be late, from a log that was unreachable meanwhile.
    const mayJudge = this.#isSteady && (own?.silentMs ?? 0) < this.#standstillMs;
    // A negative silence: seen before the clock was set back, and not since.
    const isLost = (other: LogNode) => isGone(other) || (mayJudge && Math.abs(other.silentMs) > leaseMs);
    const dead = nodes.filter((other) => other !== own && isLost(other));
    return { living: nodes.filter((each) => !dead.includes(each)), dead };
  }

  get #standstillMs(): number {
    return (2 * this.#parts.leaseMs) / beatsPerLease;
  }
}

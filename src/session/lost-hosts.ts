/** Which hosts are gone, as far as one host can tell by the clock of the log. */
import type { HostProcess, LogNode, TurnLeases } from "../core/store-ports.js";

export const beatsPerLease = 4;

interface LostHostsParts {
  turns: TurnLeases;
  node: HostProcess;
  /** Whether the process of the node is certainly gone, so that its lease need not be waited for. */
  isGone: (node: LogNode) => boolean;
  leaseMs: number;
}

/** Hosts whose process is gone, or that have not said for a lease's time that they live. */
export async function deadNodes(
  turns: TurnLeases,
  { isGone, leaseMs }: Pick<LostHostsParts, "isGone" | "leaseMs">,
): Promise<LogNode[]> {
  return (await turns.nodes()).filter((node) => node.silentMs > leaseMs || isGone(node));
}

/**
 * Says to the others that this host lives, and judges whether they do: not for a lease's time after this process or the log has stood still,
 * or the log's clock was set, because whoever is late may have been held up by the same.
 */
export class LostHosts {
  readonly #parts: LostHostsParts;
  #beatAt: number | undefined;
  #unsteadyAt: number | undefined;
  #isSteady = true;
  /** By a clock that is never set: when the last beat left that was heard, and since when none was heard too late. */
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

  /** Whether nobody can have taken this host for dead from then until now, by the clock of `performance`. */
  isHeardSince(at: number): boolean {
    return at >= this.#heardSince && performance.now() - this.#sentAt < this.#parts.leaseMs;
  }

  async look(): Promise<{ living: LogNode[]; dead: LogNode[] }> {
    const { turns, node, isGone, leaseMs } = this.#parts;
    const nodes = await turns.nodes();
    const own = nodes.find(({ nodeId }) => nodeId === node.nodeId);
    // The answer may have come a while after the question, from a log that was away meanwhile.
    const mayJudge = this.#isSteady && (own?.silentMs ?? 0) < this.#standstillMs;
    // Seen in the future: before the clock was set back, and not since.
    const isLost = (other: LogNode) => isGone(other) || (mayJudge && Math.abs(other.silentMs) > leaseMs);
    const dead = nodes.filter((other) => other !== own && isLost(other));
    return { living: nodes.filter((each) => !dead.includes(each)), dead };
  }

  get #standstillMs(): number {
    return (2 * this.#parts.leaseMs) / beatsPerLease;
  }
}

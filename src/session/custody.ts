/** Tracks which running turns this host certainly still owns. */
import type { StoreError } from "../core/errors.js";
import type { TurnLeases, TurnName } from "../core/store-ports.js";
import { fenced } from "../history/claims.js";
import type { LostHosts } from "./lost-hosts.js";

interface CustodyParts {
  turns: TurnLeases;
  nodeId: string;
  hosts: LostHosts;
}

interface RunningTurn {
  conversationId: string;
  turnId: string;
  /** Called when another host owns it or has ended it. */
  onLost: (error: StoreError) => void;
}

export class Custody {
  readonly #parts: CustodyParts;
  readonly #running = new Set<RunningTurn>();

  constructor(parts: CustodyParts) {
    this.#parts = parts;
  }

  /** True if a turn owned at that time, by the clock of `performance`, is certainly still owned. */
  isSureSince(at: number): boolean {
    return this.#parts.hosts.isHeardSince(at);
  }

  /** Resolves to a time at which the turn was certainly owned. Rejects with StoreError, `fenced` if another host has taken it over. */
  async confirm(conversationId: string, turnId: string): Promise<number> {
    const { hosts, turns, nodeId } = this.#parts;
    await hosts.beat(); // after a heartbeat, no host takes a turn from it for a lease's time
    const askedAt = performance.now();
    const held = await turns.held(nodeId);
    if (!held.map(nameOf).includes(nameOf({ conversationId, turnId }))) throw fenced(turnId);
    return askedAt;
  }

  /** Calls `onLost` when `look` finds the turn lost, until the returned function is called. */
  runs(turn: RunningTurn): () => void {
    this.#running.add(turn);
    return () => void this.#running.delete(turn);
  }

  /** Resolves to all turns that this host owns. Stops lost ones: they may wait for an answer that goes to the new owner. */
  async look(): Promise<TurnName[]> {
    const running = [...this.#running]; // before the check
    const held = await this.#parts.turns.held(this.#parts.nodeId);
    const names = new Set(held.map(nameOf));
    for (const turn of running) if (!names.has(nameOf(turn))) turn.onLost(fenced(turn.turnId));
    return held;
  }
}

/** Turn ids contain no spaces. */
function nameOf({ conversationId, turnId }: Pick<TurnName, "conversationId" | "turnId">): string {
  return `${turnId} ${conversationId}`;
}

/** Which turns are surely still this process's, of those that it runs. */
import type { StoreError } from "../core/errors.js";
import type { TurnLeases, TurnName } from "../core/store-ports.js";
import { fenced } from "../history/claims.js";
import type { LostHosts } from "./lost-hosts.js";

interface CustodyParts {
  turns: TurnLeases;
  nodeId: string;
  hosts: LostHosts;
}

/** A turn that this process has and runs. */
interface RunningTurn {
  conversationId: string;
  turnId: string;
  /** Another process has it, or has ended it. */
  onLost: (error: StoreError) => void;
}

export class Custody {
  readonly #parts: CustodyParts;
  readonly #running = new Set<RunningTurn>();

  constructor(parts: CustodyParts) {
    this.#parts = parts;
  }

  /** Whether a turn that this process had at that time, by the clock of `performance`, is surely still its. */
  isSureSince(at: number): boolean {
    return this.#parts.hosts.isHeardSince(at);
  }

  /** Resolves to the time at which the turn was surely this process's. Rejects with StoreError, `fenced` when it has gone to others. */
  async confirm(conversationId: string, turnId: string): Promise<number> {
    const { hosts, turns, nodeId } = this.#parts;
    await hosts.beat(); // what it still has after that, nobody takes from it for a lease's time
    const askedAt = performance.now();
    const held = await turns.held(nodeId);
    if (!held.map(nameOf).includes(nameOf({ conversationId, turnId }))) throw fenced(turnId);
    return askedAt;
  }

  /** The turn is told when `look` finds it lost, until the returned function is called. */
  runs(turn: RunningTurn): () => void {
    this.#running.add(turn);
    return () => void this.#running.delete(turn);
  }

  /** Resolves to all that this process has. One that it has lost may wait for what never comes here: a person answers where it is now. */
  async look(): Promise<TurnName[]> {
    const running = [...this.#running]; // from before the look
    const held = await this.#parts.turns.held(this.#parts.nodeId);
    const names = new Set(held.map(nameOf));
    for (const turn of running) if (!names.has(nameOf(turn))) turn.onLost(fenced(turn.turnId));
    return held;
  }
}

/** Ids of turns have no spaces. */
function nameOf({ conversationId, turnId }: Pick<TurnName, "conversationId" | "turnId">): string {
  return `${turnId} ${conversationId}`;
}

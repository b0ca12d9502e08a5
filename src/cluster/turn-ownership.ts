/** Tracks which of the turns that run here certainly still belong to this host. */
import type { StoreError } from "../core/errors.js";
import type { TurnLeases, TurnName } from "../core/turn-leases.js";
import { fenced } from "../log/shared/fencing.js";
import type { LostHosts } from "./lost-hosts.js";

interface TurnOwnershipParts {
  turns: TurnLeases;
  nodeId: string;
  hosts: LostHosts;
}

interface OwnedRun {
  conversationId: string;
  turnId: string;
  /** Called when another host has taken the turn over or has ended it. */
  onLost: (error: StoreError) => void;
}

export class TurnOwnership {
  readonly #parts: TurnOwnershipParts;
  readonly #running = new Set<OwnedRun>();

  constructor(parts: TurnOwnershipParts) {
    this.#parts = parts;
  }

  /**
   * True if no other host can have taken over a turn of this host since the time `at`, by the clock of `performance`. So a turn that this
   * host owned at that time still belongs to this host.
   */
  isSureSince(at: number): boolean {
    return this.#parts.hosts.isHeardSince(at);
  }

  /**
   * Asks the log whether this host owns the turn. Resolves with a time at which this host certainly owned the turn, by the clock of
   * `performance`. Rejects with StoreError `fenced` if another host has taken the turn over.
   */
  async confirm(conversationId: string, turnId: string): Promise<number> {
    const { hosts, turns, nodeId } = this.#parts;
    await hosts.beat(); // after a heartbeat, no other host takes turns from this host for the duration of a lease
    const askedAt = performance.now();
    const held = await turns.held(nodeId);
    if (!held.map(nameOf).includes(nameOf({ conversationId, turnId }))) throw fenced(turnId);
    return askedAt;
  }

  /**
   * Registers a running turn. From then on, `look` calls the turn's `onLost` if it finds that the turn is lost. Call the returned function
   * when the turn stops running.
   */
  runs(turn: OwnedRun): () => void {
    this.#running.add(turn);
    return () => void this.#running.delete(turn);
  }

  /**
   * Resolves with all turns that this host owns. Calls `onLost` for each running turn that this host no longer owns, because such a turn
   * may wait for an answer that is sent to the new owner.
   */
  async look(): Promise<TurnName[]> {
    const running = [...this.#running]; // copied before the log is asked, because a turn that starts meanwhile may be missing in `held`
    const held = await this.#parts.turns.held(this.#parts.nodeId);
    const names = new Set(held.map(nameOf));
    for (const turn of running) if (!names.has(nameOf(turn))) turn.onLost(fenced(turn.turnId));
    return held;
  }
}

/** Returns a key for the turn. Turn ids contain no spaces, so the key is unique. */
function nameOf({ conversationId, turnId }: Pick<TurnName, "conversationId" | "turnId">): string {
  return `${turnId} ${conversationId}`;
}

import type { AbandonedTurn, TurnName } from "../core/turn-leases.js";

/**
 * Gives turns that no host owns to hosts. A turn gets here only if it has lost its host: otherwise it belongs to the host that received its
 * request. Turns are offered again and again until a host owns them, so every method may be called again after a failure.
 */
export interface TurnDispatch {
  /** Starts to give turns to this host. `take` is called with each turn that this host owns from then on. Rejects with StoreError. */
  begin(nodeId: string, take: (turn: TurnName) => void): Promise<void>;
  /** Offers turns that no host owns to all hosts. Must be called from time to time, also without turns. */
  offer(turns: readonly AbandonedTurn[]): Promise<void>;
  /** Stops giving turns to this host. May be called again after a failure. */
  retire(): Promise<void>;
}

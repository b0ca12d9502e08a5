import type { Enqueue } from "../core/chat-store.js";
import type { AbandonedTurn, TurnName } from "../core/turn-leases.js";

/**
 * A durable queue that gives each unfinished turn to a host, and gives it to another host if that one is lost. The host runs the turn as
 * soon as no other host owns it. Giving a turn to two hosts does no harm, because only the host with the lease runs it. A turn that no host
 * gets would be lost, so every method may be called again after a failure.
 */
export interface TurnDispatch {
  /** Enqueues a turn, within the transaction that stores (claims) the turn's request. */
  readonly enqueue: Enqueue;
  /**
   * Starts to give turns to this host: `take` is called with each turn. The promise that `take` returns resolves with true when the turn
   * has ended, and with false when this host leaves the turn to others.
   */
  begin(nodeId: string, take: (turn: TurnName) => Promise<boolean>): Promise<void>;
  /** Enqueues those turns that are neither in the queue nor given to a living host. `nodeIds`: the ids of the living hosts. */
  offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void>;
  /** Puts the unfinished turns of the given host back into the queue. */
  giveBack(nodeId: string): Promise<void>;
  /** Stops giving turns to this host, and puts the turns that it was given back into the queue. May be called again after a failure. */
  retire(): Promise<void>;
}

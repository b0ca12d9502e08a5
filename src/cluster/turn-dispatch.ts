import type { AbandonedTurn, Enqueue, TurnName } from "../core/store-ports.js";

/**
 * A durable queue that gives each turn to one of many hosts, and gives it to another host if the first host is lost. Giving a turn to two
 * hosts does no harm, because only the host with the lease runs it. A turn that no host gets would be lost, so every method may be called
 * again after a failure.
 */
export interface TurnDispatch {
  /** Enqueues a turn, within the transaction that claims the turn. */
  readonly enqueue: Enqueue;
  /**
   * Starts to give turns to this host by calling `take`. `take` resolves with true when the turn has ended, and with false when this host
   * leaves the turn to others.
   */
  begin(nodeId: string, take: (turn: TurnName) => Promise<boolean>): Promise<void>;
  /** Makes the queue be polled at once. */
  hurry(): void;
  /** Enqueues those turns that are neither in the queue nor given to one of the living hosts. `nodeIds` are the ids of the living hosts. */
  offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void>;
  /** Puts the unfinished turns of that host back into the queue. */
  giveBack(nodeId: string): Promise<void>;
  /** Stops giving turns to this host. The turns that it has stay with it. */
  retire(): Promise<void>;
  /** Retires this host and puts its unfinished turns back into the queue. */
  close(): Promise<void>;
}

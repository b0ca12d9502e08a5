import type { AbandonedTurn, Enqueue, TurnName } from "../core/store-ports.js";

/**
 * A durable queue that gives each turn to one of many hosts, and to another host if the first one is lost. It is harmless if two hosts are
 * given the same turn, because only the host with the lease runs it. But a turn given to no host would be lost. So every method may be
 * called again after a failure.
 */
export interface TurnDispatch {
  /** Enqueues a turn, within the transaction that claims the turn. */
  readonly enqueue: Enqueue;
  /**
   * Starts to give turns to this host: `take` is called with each turn. The promise that `take` returns resolves with true when the turn
   * has ended, and with false when this host leaves the turn to others.
   */
  begin(nodeId: string, take: (turn: TurnName) => Promise<boolean>): Promise<void>;
  /** Requests that the queue is polled at once. */
  hurry(): void;
  /** Enqueues those turns that are neither in the queue nor given to a living host. `nodeIds`: the ids of the living hosts. */
  offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void>;
  /** Puts the unfinished turns of the given host back into the queue. */
  giveBack(nodeId: string): Promise<void>;
  /** Stops giving turns to this host. The host keeps the turns that it already has. */
  retire(): Promise<void>;
  /** Retires this host and puts its unfinished turns back into the queue. */
  close(): Promise<void>;
}

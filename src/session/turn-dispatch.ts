import type { AbandonedTurn, Enqueue, TurnName } from "../core/store-ports.js";

/**
 * A durable queue that gives each turn to one of many hosts, and to another when that host is lost. Giving a turn twice is harmless, since
 * its lease decides which host runs it. Failing to give it is not, so every method may be called again.
 */
export interface TurnDispatch {
  /** Enqueues a turn in the transaction that claims it. */
  readonly enqueue: Enqueue;
  /** Starts to give turns to this host. `take` resolves to true when the turn has ended, to false when the host leaves it to others. */
  begin(nodeId: string, take: (turn: TurnName) => Promise<boolean>): Promise<void>;
  /** Requests an immediate poll of the queue. */
  hurry(): void;
  /** Enqueues those of the turns that are neither queued nor with a living host. */
  offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void>;
  /** Requeues the unfinished turns of that host. */
  giveBack(nodeId: string): Promise<void>;
  /** Stops giving turns to this host. */
  retire(): Promise<void>;
  /** Retires and gives back unfinished turns. */
  close(): Promise<void>;
}

import type { AbandonedTurn, Enqueue, TurnName } from "../core/store-ports.js";

/**
 * A durable queue that gives each turn to one node of many, and to another one when that node is gone. That a turn is given twice
 * does no harm, because its lease decides who runs it; that it is never given would, so every method may be called again.
 */
export interface TurnDispatch {
  /** Puts a turn on the queue, in the transaction that claims it. */
  readonly enqueue: Enqueue;
  /** From now on this node is given turns. `take` resolves to true when the turn has ended, to false when the node leaves it to others. */
  begin(nodeId: string, take: (turn: TurnName) => Promise<boolean>): Promise<void>;
  /** There is something on the queue that should not wait for the next look at it. */
  hurry(): void;
  /** Puts those of these turns on the queue that are not on it, nor with one of the living nodes. */
  offer(turns: readonly AbandonedTurn[], nodeIds: readonly string[]): Promise<void>;
  /** What this node was given and has not ended is on the queue again. */
  giveBack(nodeId: string): Promise<void>;
  /** This node is given no more turns. */
  retire(): Promise<void>;
  /** Also gives back what it has. */
  close(): Promise<void>;
}

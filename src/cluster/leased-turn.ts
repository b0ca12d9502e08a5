import type { CalledServers, OwnedTurn, WatchedTurn } from "../core/cluster-port.js";
import type { ChatEvent, StateLostEvent, StoredEvent, TurnEvent } from "../core/events.js";
import type { ToolHub } from "../core/ports.js";
import type { TurnLease } from "../core/turn-leases.js";
import type { TurnEngine } from "./engine.js";
import type { DeltaRelay } from "./live/delta-relay.js";
import type { RelayedTurn } from "./live/relayed-turn.js";
import { countsOnOthers, stateLost, withProcesses } from "./lost-state.js";

interface LeasedTurnParts {
  engine: TurnEngine;
  relay: DeltaRelay | undefined;
  relayed: RelayedTurn;
  conversationId: string;
  turn: WatchedTurn;
  lease: TurnLease;
  /** A time at which this host certainly owned the turn, by the clock of `performance`. */
  since: number;
  onlyEvent?: StoredEvent | undefined;
}

/**
 * A turn that this host runs under a lease. After this host has lost the lease, its next write to the log fails. For a model request, that
 * failure comes too late: the new owner sends the same request again, so that request is paid for twice. And while the turn waits for a
 * person's answer, this host writes nothing that could fail, but the answer is sent to the new owner. So the lease is also checked before
 * each request and while the turn waits.
 */
export class LeasedTurn implements OwnedTurn, Disposable {
  readonly lease: TurnLease;
  readonly onlyEvent: StoredEvent | undefined;
  readonly #parts: LeasedTurnParts;
  #since: number;
  #onLost: (error: unknown) => void = () => {};
  #stop = () => {};

  constructor(parts: LeasedTurnParts) {
    this.#parts = parts;
    this.lease = parts.lease;
    this.onlyEvent = parts.onlyEvent;
    this.#since = parts.since;
  }

  async begin(
    { own, lastSeq }: { own: readonly StoredEvent[]; lastSeq: number },
    onLost: (error: unknown) => void,
  ): Promise<void> {
    const { relay, relayed, conversationId, turn, lease } = this.#parts;
    await this.confirm(); // rejects if the lease was lost while the log was read
    this.#onLost = onLost;
    this.#stop = this.#parts.engine.ownership.runs({ conversationId, turnId: turn.turnId, onLost });
    for (const event of own) relayed.stored(event);
    if (turn.endsOutOfTurn) return; // a turn that was cancelled while it waited shows no message; a message that is shown belongs to another turn
    relay?.begin(conversationId, { turnId: turn.turnId, after: lastSeq, fence: lease.fence, attempt: 0 });
  }

  readonly confirm = (): Promise<void> | undefined => {
    return this.#parts.engine.ownership.isSureSince(this.#since) ? undefined : this.#ask();
  };

  show(event: TurnEvent): void {
    this.#parts.relayed.happened(event);
  }

  withProcesses(events: readonly ChatEvent[], log: readonly StoredEvent[], hub: ToolHub): readonly ChatEvent[] {
    return withProcesses(events, log, { hub, nodeId: this.#parts.engine.nodeId });
  }

  async lostState(log: CalledServers, hub: ToolHub): Promise<StateLostEvent | undefined> {
    const { engine, turn } = this.#parts;
    if (!countsOnOthers(log, turn.turnId, engine.nodeId)) return undefined;
    const nodes = await engine.nodes().catch(() => undefined); // if the log cannot be read, the turn itself will fail and report the error
    return nodes && stateLost(log, turn.turnId, { hub, living: nodes.map(({ nodeId }) => nodeId) });
  }

  retryRefused<T>(write: () => Promise<T>, givenUp?: AbortSignal): Promise<T> {
    const { engine, turn } = this.#parts;
    return engine.retryRefused(write, () => turn.closing === "open", givenUp);
  }

  whileWaiting<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { engine, conversationId, turn } = this.#parts;
    const watch = () => engine.watch(conversationId);
    return engine.quarantine.leaveDuring({ conversationId, turnId: turn.turnId }, { work, watch, signal });
  }

  /** Ends the run on this host, whether the turn itself has ended or another host has taken it over. */
  [Symbol.dispose](): void {
    const { relay, conversationId, turn } = this.#parts;
    this.#stop();
    relay?.end(conversationId, turn.turnId);
  }

  async #ask(): Promise<void> {
    const { engine, conversationId, turn } = this.#parts;
    try {
      this.#since = await engine.ownership.confirm(conversationId, turn.turnId);
    } catch (error) {
      this.#onLost(error);
      throw error;
    }
  }
}

import type { ChatStore, Claim, TurnRequest } from "../core/chat-store.js";
import type { Cluster, Drive, LiveCursor, LocalTurns } from "../core/cluster-port.js";
import type { StoreError } from "../core/errors.js";
import type { LiveEvent, UserMessageEvent } from "../core/events.js";
import type { AbandonedTurn, LogNode, TurnMail } from "../core/turn-leases.js";
import { defaultLeaseMs } from "../core/turn-leases.js";
import { type AcquiredLease, DrivenTurn } from "./driven-turn.js";
import { type EngineParts, TurnEngine } from "./engine.js";
import { DeltaRelay } from "./live/delta-relay.js";
import { Cursor } from "./live/live-cursor.js";
import { findSilentHosts } from "./lost-hosts.js";

export interface LogClusterParts extends Omit<EngineParts, "turns"> {
  store: ChatStore;
}

/** The cluster of a log that several processes can share: a file or a database. */
export class LogCluster implements Cluster {
  readonly workspace: string;
  readonly #parts: LogClusterParts;
  readonly #engine: TurnEngine;
  /** Undefined if live events are not sent to other hosts. */
  readonly #relay: DeltaRelay | undefined;
  /** For each conversation, the number of its turns that run on this host or are about to run here; see `DrivenTurn`. */
  readonly #runs = new Map<string, number>();
  /** Leases that were acquired by a claim, by the id of their turn, until the turn is driven. */
  readonly #claimed = new Map<string, AcquiredLease>();

  constructor(parts: LogClusterParts, local: LocalTurns) {
    const { store, node } = parts;
    this.#parts = parts;
    this.workspace = parts.workspace;
    this.#engine = new TurnEngine({ ...parts, turns: store.turns }, local);
    this.#relay = store.live && new DeltaRelay({ bus: store.live, nodeId: node.nodeId });
  }

  get writeError(): StoreError | undefined {
    return this.#engine.writeError;
  }

  begin(): Promise<void> {
    return this.#engine.begin();
  }

  recover(whose: { takesAny: boolean }): Promise<void> {
    return this.#engine.recover(whose);
  }

  async claim(conversationId: string, message: UserMessageEvent, request: TurnRequest): Promise<Claim> {
    const since = performance.now();
    const owned = { nodeId: this.#engine.nodeId, acquires: true, ...request };
    const claim = await this.#parts.store.claim(conversationId, message, owned).catch((error: unknown) => {
      this.#engine.noteRefused(error);
      throw error;
    });
    const { lease, turnId, events } = claim;
    if (lease) this.#claimed.set(turnId, { lease, since, onlyEvent: events.find(({ seq }) => seq === 1) });
    return claim;
  }

  isDispatched(turn: AbandonedTurn): boolean {
    return this.#engine.isDispatched(turn);
  }

  drive(drive: Drive): Promise<void> {
    const { store } = this.#parts;
    const claimed = this.#claimed.get(drive.turn.turnId);
    this.#claimed.delete(drive.turn.turnId);
    const parts = { store, engine: this.#engine, relay: this.#relay, runs: this.#runs };
    return new DrivenTurn(parts, drive, claimed).toItsEnd();
  }

  wake(conversationId: string): void {
    this.#engine.wake(conversationId);
  }

  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    return this.#engine.send(conversationId, turnId, mail);
  }

  relay(conversationId: string, event: LiveEvent): void {
    this.#relay?.note(conversationId, event);
  }

  follow(conversationId: string, lastSeq: number, onChange: () => void): { cursor: LiveCursor; leave: () => void } {
    const followed = this.#relay?.follow(conversationId, onChange);
    const cursor = new Cursor(followed?.feed ?? { open: undefined }, { lastSeq });
    return { cursor, leave: () => followed?.leave() };
  }

  silentHosts(): Promise<LogNode[]> {
    const { store, isGone, leaseMs = defaultLeaseMs } = this.#parts;
    return findSilentHosts(store.turns, { isGone, leaseMs });
  }

  lostHosts(): Promise<LogNode[]> {
    return this.#engine.lostHosts();
  }

  retire(): Promise<void> {
    return this.#engine.retire();
  }

  async close(): Promise<void> {
    this.#relay?.close();
    await this.#engine.close();
  }
}

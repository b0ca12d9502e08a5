import { Changes } from "../core/async/changes.js";
import type { ChatStore, Claim } from "../core/chat-store.js";
import type { ClaimOptions, Cluster, Drive, LiveCursor, LocalTurns, OwnedTurn } from "../core/cluster-port.js";
import { conversationDeleted } from "../core/errors.js";
import type { UserMessageEvent } from "../core/events.js";
import type { HostProcess, TurnLease, TurnMail } from "../core/turn-leases.js";

interface SingleProcessParts {
  store: ChatStore;
  node: HostProcess;
  workspace: string;
}

/** A cursor that never has events, because no other host writes to the log. */
const nothing: LiveCursor = { isBehind: false, take: () => [], stored: () => [], void: () => [] };

/**
 * The cluster for a log that only this process can reach, such as a log in memory. Every turn runs here, after the earlier turns of its
 * conversation.
 */
export class SingleProcess implements Cluster {
  readonly workspace: string;
  readonly #parts: SingleProcessParts;
  readonly #local: LocalTurns;
  readonly #changes = new Changes();
  /** Running turns: the keys are turn ids, the values conversation ids. */
  readonly #running = new Map<string, string>();
  #begun: Promise<unknown> | undefined;

  constructor(parts: SingleProcessParts, local: LocalTurns) {
    this.workspace = parts.workspace;
    this.#parts = parts;
    this.#local = local;
  }

  async begin(): Promise<void> {
    const { store, node } = this.#parts;
    // one call is enough to register this host; without it, the turns of this host would count as abandoned
    this.#begun ??= store.turns.beat(node);
    await this.#begun;
  }

  recover(): Promise<void> {
    return this.begin();
  }

  claim(
    conversationId: string,
    message: UserMessageEvent,
    { workspace = this.workspace, ...rest }: ClaimOptions,
  ): Promise<Claim> {
    const { store, node } = this.#parts;
    return store.claim(conversationId, message, { nodeId: node.nodeId, workspace, ...rest });
  }

  isDispatched(): boolean {
    return false;
  }

  async drive(drive: Drive): Promise<void> {
    const { node, store } = this.#parts;
    const { conversationId, turn, resume } = drive;
    const { turns } = store;
    for (;;) {
      turn.requireOpen();
      using change = this.#changes.watch(conversationId); // begun before the check, so that no change is missed
      // If the host begins to close after this line, the turn may have become one that ends out of turn, so it is tried once more.
      const isLeaving = turn.closing === "leaving";
      const lease = await turns.acquire(conversationId, turn.turnId, node.nodeId, turn.endsOutOfTurn);
      if (lease) return this.#run(lease, drive);
      const state = await turns.stateOf(conversationId, turn.turnId);
      if (!state) throw conversationDeleted(conversationId);
      if (!state.isUnfinished) return;
      if (isLeaving && ![...this.#running.values()].includes(conversationId)) {
        turn.park();
        this.wake(conversationId);
        continue;
      }
      for (const earlier of await turns.abandoned({ conversationId })) {
        if (earlier.turnId === turn.turnId) break;
        resume(earlier);
      }
      await change.happened;
    }
  }

  wake(conversationId: string): void {
    this.#changes.happened(conversationId);
  }

  send(conversationId: string, turnId: string, mail: TurnMail): Promise<boolean> {
    return this.#parts.store.turns.send(conversationId, turnId, mail);
  }

  relay(): void {}

  follow(): { cursor: LiveCursor; leave: () => void } {
    return { cursor: nothing, leave: () => {} };
  }

  async silentHosts(): Promise<[]> {
    return [];
  }

  async lostHosts(): Promise<[]> {
    return [];
  }

  async retire(): Promise<void> {}

  async close(): Promise<void> {
    this.#changes.happened();
  }

  async #run(lease: TurnLease, { conversationId, turn, run }: Drive): Promise<void> {
    const { turnId } = turn;
    const { turns } = this.#parts.store;
    const { nodeId } = this.#parts.node;
    this.#running.set(turnId, conversationId);
    try {
      // These answers and cancellations were sent to an earlier run of the turn, which broke off.
      for (const each of await turns.receive(nodeId)) this.#local.mail(each.conversationId, each.turnId, each.mail);
      await run(owned(lease, turn));
    } catch (error) {
      // The log failed before the end of the turn was stored. The turn is released, so that it can be resumed later and the turns after it
      // need not wait for it.
      if (turn.closing !== "parked") await turns.release({ conversationId, turnId, requestId: turn.requestId }, nodeId);
      throw error;
    } finally {
      this.#running.delete(turnId);
      this.wake(conversationId);
    }
  }
}

function owned(lease: TurnLease, turn: Drive["turn"]): OwnedTurn {
  return {
    lease,
    async begin({ own }) {
      for (const event of own) turn.publish(event);
    },
    confirm: () => undefined,
    show: (event) => turn.publish(event),
    withProcesses: (events) => events,
    lostState: async () => undefined,
    retryRefused: (write) => write(),
    whileWaiting: (work) => work(),
  };
}

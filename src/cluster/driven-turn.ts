import type { ChatStore } from "../core/chat-store.js";
import type { Drive, OwnedTurn } from "../core/cluster-port.js";
import { conversationDeleted } from "../core/errors.js";
import { isTurnEnd, type StoredEvent } from "../core/events.js";
import { maxCrashes, type TurnLease } from "../core/turn-leases.js";
import { CrashQuarantine } from "./crash-quarantine.js";
import type { TurnEngine } from "./engine.js";
import type { DeltaRelay } from "./live/delta-relay.js";
import { RelayedTurn } from "./live/relayed-turn.js";
import { findLostState, withProcesses } from "./lost-state.js";

interface DrivenTurnParts {
  store: Pick<ChatStore, "read" | "turns">;
  engine: TurnEngine;
  relay: DeltaRelay | undefined;
  /** Number of turns of each conversation that run on this host or are about to run here. */
  runs: Map<string, number>;
}

export interface AcquiredLease {
  lease: TurnLease;
  /** A time at which this host certainly owned the turn. */
  since: number;
  /** See `OwnedTurn.onlyEvent`. */
  onlyEvent?: StoredEvent | undefined;
}

/** Brings a turn to its end: waits until this host may run the turn, or shows the turn while another host runs it. */
export class DrivenTurn {
  readonly #parts: DrivenTurnParts;
  readonly #drive: Drive;
  readonly #relayed: RelayedTurn;
  /** True if the turn will not be tried again after one more crash. */
  #isSuspect = false;
  /** The lease that this host acquired when it stored the turn's request. */
  #claimed: AcquiredLease | undefined;

  constructor(parts: DrivenTurnParts, drive: Drive, claimed?: AcquiredLease) {
    this.#parts = parts;
    this.#drive = drive;
    this.#claimed = claimed;
    this.#relayed = new RelayedTurn(drive.turn, drive.conversationId, parts.relay);
  }

  /**
   * Resolves when the turn has ended on any host. Rejects if the turn cannot continue here: with StoreError, or with RequestError
   * `shutting_down` or `not_found`.
   */
  async toItsEnd(): Promise<void> {
    try {
      while (!(await this.#attempt()));
    } finally {
      this.#relayed.leave();
    }
  }

  /**
   * Runs the turn if this host gets its lease. Otherwise waits until the conversation may have changed. Resolves with true if the turn has
   * ended.
   */
  async #attempt(): Promise<boolean> {
    const { engine, store } = this.#parts;
    const { conversationId, turn } = this.#drive;
    turn.requireOpen();
    const claimed = this.#claimed;
    this.#claimed = undefined;
    if (claimed) {
      this.#count(1);
      return this.#run(claimed);
    }
    using change = engine.watch(conversationId); // begun before the lease and the log are read, so that no change is missed
    // If the host begins to close after this line, the turn may have become one that ends out of turn, so it is tried once more.
    const isLeaving = turn.closing === "leaving";
    const since = performance.now();
    const lease = await this.#acquire();
    if (lease) return this.#run({ lease, since });
    // if a turn of the conversation runs here, this turn waits for that turn, not for another host
    if (!this.#runsHere) this.#relayed.follow();
    if (await this.#showStored()) return true;
    const state = await store.turns.stateOf(conversationId, turn.turnId);
    if (!state) throw conversationDeleted(conversationId);
    if (!state.isUnfinished) {
      await this.#showStored(); // the turn has ended since the last read, so its last events are read now
      return true;
    }
    if (!this.#isSuspect && CrashQuarantine.includes(state.crashes)) {
      this.#isSuspect = true;
      engine.wake(conversationId); // tries again at once, because this turn may be allowed to run as a suspect
      return false;
    }
    if (isLeaving && !this.#runsHere) {
      turn.park(); // this host is closing and does not run the turn, so it leaves the turn to another host
      engine.wake(conversationId);
      return false;
    }
    await this.#resumeBefore();
    await change.happened;
    return false;
  }

  async #acquire(): Promise<TurnLease | undefined> {
    const { engine } = this.#parts;
    const { conversationId, turn } = this.#drive;
    const { turnId, state, endsOutOfTurn: isOutOfTurn } = turn;
    if (state.at === "queued" && !isOutOfTurn) return undefined;
    const name = { conversationId, turnId };
    if (!isOutOfTurn && this.#isSuspect && !engine.quarantine.admit(name)) return undefined;
    const mostCrashes = isOutOfTurn || this.#isSuspect ? undefined : maxCrashes - 2;
    this.#count(1);
    let lease: TurnLease | undefined;
    try {
      lease = await engine.acquire(conversationId, turnId, { isOutOfTurn, mostCrashes });
      return lease;
    } finally {
      if (!lease) {
        this.#count(-1);
        engine.quarantine.leave(name);
      }
    }
  }

  /** Runs the turn. Resolves with true when the turn has ended, and with false if another host has taken it over. */
  async #run(acquired: AcquiredLease): Promise<boolean> {
    const { engine, relay } = this.#parts;
    const { conversationId, turn, run } = this.#drive;
    const { turnId } = turn;
    this.#relayed.leave();
    const { owned, stop } = this.#own(acquired);
    try {
      const mail = await run(owned).finally(() => {
        stop();
        relay?.end(conversationId, turnId);
      });
      if (!mail) return true;
      this.#relayed.forget();
      for (const each of mail) await engine.send(conversationId, turnId, each);
      return false;
    } finally {
      this.#count(-1);
      engine.quarantine.leave({ conversationId, turnId });
      engine.wake(conversationId);
    }
  }

  /**
   * Returns the turn under this lease, and a function to call when it no longer runs. There is one such object for each lease, so that what
   * is left of an earlier run never acts under a later lease.
   *
   * After this host has lost the lease, its next write to the log fails. For a model request, that failure comes too late: the new owner
   * sends the same request again, so that request is paid for twice. And while the turn waits for a person's answer, this host writes nothing
   * that could fail, but the answer is sent to the new owner. So the lease is also checked before each request and while the turn waits.
   */
  #own({ lease, since, onlyEvent }: AcquiredLease): { owned: OwnedTurn; stop: () => void } {
    const { engine, relay } = this.#parts;
    const { conversationId, turn } = this.#drive;
    const relayed = this.#relayed;
    const { turnId } = turn;
    const { ownership, nodeId } = engine;
    let ownedAt = since;
    let lost = (_error: unknown) => {};
    let stop = () => {};
    const ask = async () => {
      try {
        ownedAt = await ownership.confirm(conversationId, turnId);
      } catch (error) {
        lost(error);
        throw error;
      }
    };
    const confirm = () => (ownership.isSureSince(ownedAt) ? undefined : ask());
    const owned: OwnedTurn = {
      lease,
      onlyEvent,
      confirm,
      async begin({ own, lastSeq }, onLost) {
        await confirm(); // rejects if the lease was lost while the log was read
        lost = onLost;
        stop = ownership.runs({ conversationId, turnId, onLost });
        for (const event of own) relayed.stored(event);
        if (turn.endsOutOfTurn) return; // a turn that was cancelled while it waited shows no message; a message that is shown belongs to another turn
        relay?.begin(conversationId, { turnId, after: lastSeq, fence: lease.fence, attempt: 0 });
      },
      show: (event) => relayed.happened(event),
      withProcesses: (events, log, hub) => withProcesses(events, log, { hub, nodeId }),
      lostState: (log, hub) => findLostState(log, turnId, { hub, nodeId, nodes: () => engine.nodes() }),
      retryRefused: (write, givenUp) => engine.retryRefused(write, () => turn.closing === "open", givenUp),
      whileWaiting(work, signal) {
        const watch = () => engine.watch(conversationId);
        return engine.quarantine.leaveDuring({ conversationId, turnId }, { work, watch, signal });
      },
    };
    return { owned, stop: () => stop() };
  }

  /** Shows the events that another host has stored for the turn. Resolves with true if they include the turn's end. */
  async #showStored(): Promise<boolean> {
    const { conversationId, turn, onStored } = this.#drive;
    const events = await this.#parts.store.read(conversationId, turn.lastSeq + 1);
    const own = events.filter(({ turnId }) => turnId === turn.turnId);
    for (const event of own) {
      onStored(event);
      this.#relayed.stored(event);
      if (isTurnEnd(event)) return true; // events after the end may belong to a repetition of the request, which has resumed the turn
    }
    this.#relayed.skipTo(events.at(-1)?.seq ?? 0);
    return false;
  }

  /**
   * Resumes the earlier turns of the conversation that no host owns. Turns that the queue will give to a host are skipped, unless this turn
   * was itself given to this host: until this turn has ended, the queue gives no other turn of the conversation to any host.
   */
  async #resumeBefore(): Promise<void> {
    const { engine, store } = this.#parts;
    const { conversationId, turn, resume } = this.#drive;
    for (const abandoned of await store.turns.abandoned({ conversationId })) {
      const isQueued = turn.state.at === "queued";
      if (isQueued && engine.isDispatched(abandoned)) continue;
      if (abandoned.turnId === turn.turnId) {
        if (isQueued) engine.wake(conversationId);
        turn.leaveQueue(); // the queue will not give this turn to another host
        return;
      }
      resume(abandoned);
    }
  }

  /** True while a turn of the conversation runs on this host or is about to run here. */
  get #runsHere(): boolean {
    return this.#parts.runs.has(this.#drive.conversationId);
  }

  #count(change: 1 | -1): void {
    const { runs } = this.#parts;
    const { conversationId } = this.#drive;
    const count = (runs.get(conversationId) ?? 0) + change;
    if (count > 0) runs.set(conversationId, count);
    else runs.delete(conversationId);
  }
}

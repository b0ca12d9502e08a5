/** Stores the events of one turn in the log, then shows them to the watchers. */

import type { OwnedTurn } from "../../core/cluster-port.js";
import { StoreError } from "../../core/errors.js";
import type { ChatEvent, LiveEvent, StoredEvent } from "../../core/events.js";
import type { Outlet } from "../../turn/outlet.js";
import type { LiveTurn } from "./live-turn.js";
import type { Questions } from "./questions.js";
import type { SessionParts } from "./session-parts.js";

interface TurnWriterParts extends Pick<SessionParts, "store" | "hub"> {
  conversationId: string;
  turn: LiveTurn;
  owned: Pick<OwnedTurn, "lease" | "signed" | "show">;
  /** Log to which stored events are appended. */
  log: StoredEvent[];
  /** Number of events of this turn that are already in the log. */
  position: number;
  /** See `lastSeq` in TurnGrant. */
  lastSeq: number | undefined;
  questions: Questions;
  signal: AbortSignal;
  onStored: (event: StoredEvent) => void;
}

interface Batch {
  events: ChatEvent[];
  written: Promise<void>;
}

/**
 * Writer that stores events in batches: one write stores all events that arrive within the same tick or during the previous write. Results
 * of parallel calls often arrive in this way. If a write fails, neither its events nor any later events are shown.
 */
export class TurnWriter implements Outlet {
  readonly #parts: TurnWriterParts;
  #position: number;
  #lastSeq: number | undefined;
  #gathering: Batch | undefined;
  #last: Promise<void> = Promise.resolve();
  readonly #unwritten = new Set<readonly ChatEvent[]>();
  /** Set once the writer has stopped: the reason, and the events that were not stored by then. */
  #over: { error: unknown; unwritten: ChatEvent[] } | undefined;

  constructor(parts: TurnWriterParts) {
    this.#parts = parts;
    this.#position = parts.position;
    this.#lastSeq = parts.lastSeq;
  }

  /**
   * Resolves when the events are stored and shown. Rejects with StoreError, or with RequestError `shutting_down` if the turn was parked.
   */
  store(events: readonly ChatEvent[]): Promise<void> {
    const batch = this.#gathering ?? this.#begin();
    batch.events.push(...events);
    return batch.written;
  }

  show(event: LiveEvent): void {
    if (!this.#over && this.#parts.turn.closing !== "parked") this.#parts.owned.show(event);
  }

  /** Stops storing and showing events. Returns the events that were not stored when this was first called. */
  stop(
    error: unknown = new StoreError("write", `the turn ${this.#parts.turn.turnId} is not run here any more`),
  ): ChatEvent[] {
    this.#over ??= { error, unwritten: [...this.#unwritten].flat() };
    return this.#over.unwritten;
  }

  #begin(): Batch {
    const events: ChatEvent[] = [];
    this.#unwritten.add(events);
    this.#last = this.#write(events, this.#last);
    this.#gathering = { events, written: this.#last };
    return this.#gathering;
  }

  async #write(gathered: ChatEvent[], before: Promise<void>): Promise<void> {
    await before;
    await endOfTick();
    this.#gathering = undefined;
    const { store, hub, conversationId, turn, owned, log, questions, signal, onStored } = this.#parts;
    if (this.#over) throw this.#over.error;
    turn.requireOpen();
    const events = owned.signed(gathered, log, hub);
    for (const event of events) if (event.type === "question") questions.open(event.questionId, signal);
    const grant = { fence: owned.lease.fence, position: this.#position + 1, lastSeq: this.#lastSeq };
    const stored = await store.appendAll(conversationId, events, grant);
    this.#position += stored.length;
    this.#lastSeq = stored.at(-1)?.seq;
    this.#unwritten.delete(gathered);
    for (const event of stored) {
      log.push(event);
      onStored(event);
      owned.show(event);
    }
  }
}

/** Resolves at the end of the current tick, when all work that does not wait for I/O is done. */
function endOfTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

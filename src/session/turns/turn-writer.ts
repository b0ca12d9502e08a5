/** Stores the events of one turn in the log, and then shows them to the watchers. */

import type { OwnedTurn } from "../../core/cluster-port.js";
import { StoreError } from "../../core/errors.js";
import { isBilled } from "../../core/event-facts.js";
import type { ChatEvent, LiveEvent, StoredEvent } from "../../core/events.js";
import { addAll } from "../../core/lists/long-lists.js";
import type { Outlet } from "../../turn/outlet.js";
import type { LiveTurn } from "./live-turn.js";
import type { ConversationParts } from "./session-parts.js";

interface WrittenTurn {
  parts: Pick<ConversationParts, "store" | "hub" | "conversationId" | "questions">;
  turnId: string;
  live: Pick<LiveTurn, "closing" | "requireOpen">;
  owned: Pick<OwnedTurn, "lease" | "withProcesses" | "show" | "retryRefused">;
  log: { events: readonly StoredEvent[] };
  /** The events of this turn that the log already contains. */
  own: { length: number };
  /** `seq` of the conversation's last event, as far as the writer knows. It only makes writes cheaper (see `TurnGrant.lastSeq`). */
  lastSeq: number | undefined;
  signal: AbortSignal;
  /** Called with each event that was stored, before it is shown. */
  stored(event: StoredEvent): void;
}

interface Batch {
  events: ChatEvent[];
  written: Promise<void>;
}

/**
 * Stores events in batches. One write stores all events that come in the same tick or during the previous write, such as the results of
 * parallel calls. If a write fails, its events are not shown, and neither are any later events.
 */
export class TurnWriter implements Outlet {
  readonly #turn: WrittenTurn;
  #position: number;
  #lastSeq: number | undefined;
  #gathering: Batch | undefined;
  #last: Promise<void> = Promise.resolve();
  readonly #unwritten = new Set<readonly ChatEvent[]>();
  /** Set when the writer has stopped. `unwritten` are the events that had not been stored when it stopped. */
  #over: { error: unknown; unwritten: ChatEvent[] } | undefined;

  constructor(turn: WrittenTurn) {
    this.#turn = turn;
    this.#position = turn.own.length;
    this.#lastSeq = turn.lastSeq;
  }

  /**
   * Resolves when the events are stored and shown. Rejects with StoreError, or with RequestError `shutting_down` if the turn was parked.
   */
  store(events: readonly ChatEvent[]): Promise<void> {
    const batch = this.#gathering ?? this.#begin();
    addAll(batch.events, events);
    return batch.written;
  }

  /**
   * Stores something of the turn. While the log is full or locked, keeps it and tries again, also after the turn was cancelled: without the
   * answer and the end of the turn in the log, the turn would run again. A closing host does not wait. `givenUp`: see `retryRefused`.
   */
  keep<T>(write: () => Promise<T>, givenUp?: AbortSignal): Promise<T> {
    const { live, owned } = this.#turn;
    return owned.retryRefused(async () => {
      if (this.#over) throw this.#over.error;
      live.requireOpen();
      return write();
    }, givenUp);
  }

  show(event: LiveEvent): void {
    if (!this.#over && this.#turn.live.closing !== "parked") this.#turn.owned.show(event);
  }

  /** Stops storing and showing events. Returns the events that were not stored when this method was called for the first time. */
  stop(
    error: unknown = new StoreError("write", `this host no longer runs the turn ${this.#turn.turnId}`),
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
    const { live } = this.#turn;
    if (this.#over) throw this.#over.error;
    // A failure is left out: without the log, the turn is parked too.
    if (live.closing === "parked") await this.#append(gathered.flatMap(paidFor), (write) => write()).catch(() => {});
    live.requireOpen();
    await this.#append(gathered, (write) => this.keep(write));
    this.#unwritten.delete(gathered);
  }

  async #append(
    gathered: readonly ChatEvent[],
    carryOut: (write: () => Promise<StoredEvent[]>) => Promise<StoredEvent[]>,
  ): Promise<void> {
    if (gathered.length === 0) return;
    const { owned, log, signal } = this.#turn;
    const { store, conversationId, hub, questions } = this.#turn.parts;
    const events = owned.withProcesses(gathered, log.events, hub);
    for (const event of events) if (event.type === "question") questions.open(event.questionId, signal);
    const grant = { fence: owned.lease.fence, position: this.#position + 1, lastSeq: this.#lastSeq };
    const stored = await carryOut(() => store.appendAll(conversationId, events, grant));
    this.#position += stored.length;
    this.#lastSeq = stored.at(-1)?.seq;
    for (const event of stored) {
      this.#turn.stored(event);
      owned.show(event);
    }
  }
}

/**
 * Returns what a parked turn still stores of the event: what is paid for. An answer that broke off has no text, because it is asked for
 * again.
 */
function paidFor(event: ChatEvent): ChatEvent[] {
  if (!isBilled(event)) return [];
  const hasBrokenOff = event.type === "assistant_message" && event.interrupted;
  return hasBrokenOff ? [{ ...event, message: { role: "assistant", content: "", toolCalls: [] } }] : [event];
}

/** Resolves at the end of the current tick, after all work that does not wait for I/O. */
function endOfTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

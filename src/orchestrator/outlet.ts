import type { ChatEvent, LiveEvent } from "../core/chat.js";

export interface Outlet {
  /** Resolves once the events are stored, all or none of them, and then shown. Rejects if that fails: then the turn stops. */
  store(events: readonly ChatEvent[]): Promise<void>;
  /** Shows the event at once and never stores it. Must not throw. */
  show(event: LiveEvent): void;
}

export type TurnEnd = Extract<ChatEvent, { type: "turn_end" | "turn_error" }>;

/**
 * A turn's events on their way out. Events that nothing waits for stay here until something must be stored. So a hop takes two writes: its
 * plan and its outcome. Each write costs an SQLite statement or a round trip to PostgreSQL.
 */
export class Outgoing {
  readonly #outlet: Outlet;
  #waiting: ChatEvent[] = [];

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  show(event: LiveEvent): void {
    this.#outlet.show(event);
  }

  /** Keeps the event until the next write. */
  add(event: ChatEvent): void {
    this.#waiting.push(event);
  }

  /** Stores the events after all that are waiting. Called before a call leaves, before a request is sent, before a question is asked. */
  store(...events: readonly ChatEvent[]): Promise<void> {
    const all = this.#taken(events);
    return all.length > 0 ? this.#outlet.store(all) : Promise.resolve();
  }

  /** Returns the last events of a turn, after all that are waiting, without storing them. */
  endWith(end: TurnEnd): readonly ChatEvent[] {
    return this.#taken([end]);
  }

  #taken(events: readonly ChatEvent[]): readonly ChatEvent[] {
    if (this.#waiting.length === 0) return events;
    const all = this.#waiting;
    this.#waiting = [];
    all.push(...events);
    return all;
  }
}

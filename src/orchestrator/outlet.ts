import type { ChatEvent, LiveEvent } from "../core/chat.js";

/** Where what happens in a turn goes. */
export interface Outlet {
  /** Resolves once the events are stored, all or none of them, and then shown. Rejects when they cannot be: the turn goes no further. */
  store(events: readonly ChatEvent[]): Promise<void>;
  /** At once, and never stored. Must not throw. */
  show(event: LiveEvent): void;
}

/** How a turn has ended. */
export type TurnEnd = Extract<ChatEvent, { type: "turn_end" | "turn_error" }>;

/**
 * A turn's events on their way out. What nobody waits for stays here until something has to be stored, so that a hop is stored in two
 * writes: what it is going to do, and what came of it. Each write costs a statement of SQLite, or a round trip to PostgreSQL.
 */
export class Outgoing {
  readonly #outlet: Outlet;
  #waiting: ChatEvent[] = [];

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** As the outlet does. */
  show(event: LiveEvent): void {
    this.#outlet.show(event);
  }

  /** To be stored with what comes next. */
  add(event: ChatEvent): void {
    this.#waiting.push(event);
  }

  /** With all that waits: before a call leaves, a request is sent, somebody is asked. */
  store(...events: readonly ChatEvent[]): Promise<void> {
    const all = this.#taken(events);
    return all.length > 0 ? this.#outlet.store(all) : Promise.resolve();
  }

  /** The last events of a turn, with all that waits: not stored. */
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

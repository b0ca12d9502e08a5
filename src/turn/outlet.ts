import type { ChatEvent, LiveEvent } from "../core/events.js";

export interface Outlet {
  /** Stores the events, all or none of them, then shows them. Resolves when that is done. If it rejects, the turn stops. */
  store(events: readonly ChatEvent[]): Promise<void>;
  /** Shows the event at once, without storing it. Must not throw. */
  show(event: LiveEvent): void;
}

export type TurnEnd = Extract<ChatEvent, { type: "turn_end" | "turn_error" }>;

/**
 * The events of a turn on their way to the log. An event that nothing depends on yet waits until some event must be stored, and is
 * stored with it. So a hop takes only two writes: its plan and its outcome. Each write costs an SQLite statement or a round trip to
 * PostgreSQL.
 */
export class EventQueue {
  readonly #outlet: Outlet;
  #waiting: ChatEvent[] = [];

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  show(event: LiveEvent): void {
    this.#outlet.show(event);
  }

  /** Keeps the event; the next `store` or `endWith` takes it along. */
  add(event: ChatEvent): void {
    this.#waiting.push(event);
  }

  /**
   * Stores the waiting events, followed by the given events. Called before a tool call or a request is sent, and before a question is
   * asked.
   */
  store(...events: readonly ChatEvent[]): Promise<void> {
    const all = this.#taken(events);
    return all.length > 0 ? this.#outlet.store(all) : Promise.resolve();
  }

  /** Returns the waiting events followed by the turn's end, for the caller to store. */
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

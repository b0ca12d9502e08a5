import { Channel } from "../core/async/channel.js";
import type { ChatEvent, LiveEvent } from "../core/events.js";
import { addAll } from "../core/lists/long-lists.js";

export interface Outlet {
  /**
   * Stores the events, either all or none of them, and then shows them. Resolves when the events are stored and shown. If the promise
   * rejects, the turn stops.
   */
  store(events: readonly ChatEvent[]): Promise<void>;
  /** Shows the event at once, without storing it. Must not throw. */
  show(event: LiveEvent): void;
}

export type TurnEnd = Extract<ChatEvent, { type: "turn_end" | "turn_error" }>;

/**
 * Collects the events of a turn before they are written to the log. An event waits as long as nothing depends on it, and is then stored
 * together with the next event that must be stored. So a hop (a model request with its tool calls) takes only two writes: one for its plan
 * and one for its outcome. A write costs an SQLite statement or a round trip to PostgreSQL.
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

  /** Adds the event to the waiting events, which the next `store` stores or the next `endWith` returns. */
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

  /** Returns the waiting events followed by the end of the turn. The caller must store them. */
  endWith(end: TurnEnd): readonly ChatEvent[] {
    return this.#taken([end]);
  }

  #taken(events: readonly ChatEvent[]): readonly ChatEvent[] {
    if (this.#waiting.length === 0) return events;
    const all = this.#waiting;
    this.#waiting = [];
    addAll(all, events);
    return all;
  }
}

/**
 * Yields a turn's events one by one. `run` is called when the consumer requests the first event. The outlet's `store` resolves when the
 * consumer has taken the stored events and requests the next event. The signal `left` aborts when the consumer leaves the loop.
 */
export async function* pulled(
  run: (outlet: Outlet, left: AbortSignal) => Promise<void>,
): AsyncGenerator<ChatEvent | LiveEvent, undefined> {
  const left = new AbortController();
  const events = new Channel<{ event: ChatEvent | LiveEvent; taken?: () => void }>({
    begin: () => {
      run(outlet, left.signal).then(
        () => events.close(),
        (error: unknown) => events.close({ error }),
      );
    },
    left: () => left.abort(),
  });
  const outlet: Outlet = {
    store: (stored) =>
      new Promise((resolve) => {
        for (const event of stored) events.push({ event, ...(event === stored.at(-1) && { taken: resolve }) });
      }),
    show: (event) => events.push({ event }),
  };
  for await (const { event, taken } of events) {
    yield event;
    taken?.();
  }
}

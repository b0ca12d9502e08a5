import type { LiveEvent, TurnEvent } from "../../core/events.js";

/**
 * Work that is done only while the turn has watchers. `begin` starts the work and returns the function that ends it; `end` is that function
 * while the work is being done.
 */
interface Attendance {
  begin: () => () => void;
  end?: () => void;
}

/** Maximum number of events that wait for the fastest watcher. If more events wait, each new event is merged into the last one. */
const mostWaiting = 100;

/**
 * The events of a turn as its watchers see them. Every watcher gets all events since the start of the turn, even if the watcher comes late. The
 * turn does not wait for watchers, and continues without them. If many events wait to be read, several deltas are merged into one.
 */
export class TurnEvents {
  readonly #onEvent: (event: TurnEvent) => void;
  readonly #events: TurnEvent[] = [];
  /** Number of events that the fastest watcher has read. */
  #taken = 0;
  #wake: (() => void)[] = [];
  #lastSeq = 0;
  #lastEnd = 0;
  /** Index of the first event that was shown after the last stored event. */
  #open = 0;
  #watchers = 0;
  #attendance: Attendance | undefined;
  #ended: { error?: unknown } | undefined;

  constructor(onEvent: (event: TurnEvent) => void = () => {}) {
    this.#onEvent = onEvent;
  }

  /**
   * Publishes an event of the turn. Does nothing if it is a stored event that was already published. `shown` are the events that watchers
   * get in its place.
   */
  publish(event: TurnEvent, shown: readonly TurnEvent[] = [event]): void {
    if ("seq" in event) {
      if (event.seq <= this.#lastSeq) return;
      this.#lastSeq = event.seq;
      if (event.type !== "user_message") this.#lastEnd = event.seq;
    }
    for (const each of shown) this.#add(each);
    if ("seq" in event) this.#open = this.#events.length;
    this.#onEvent(event);
    this.#notify();
  }

  /** Shows an event from another host to the watchers. */
  overhear(event: LiveEvent): void {
    this.#add(event);
    this.#notify();
  }

  /** Marks stored events up to `seq` as published. `publish` then skips them. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** The events that were shown after the last stored event. */
  get happening(): TurnEvent[] {
    return this.#events.slice(this.#open);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** `seq` of the last stored event that was shown, not counting the request. It is 0 if there is none. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /**
   * Calls `begin` when the first watcher comes. When the last watcher leaves, calls the function that `begin` returned. To stop all this,
   * call the function that `whileWatched` returns.
   */
  whileWatched(begin: () => () => void): () => void {
    const attendance: Attendance = { begin };
    this.#attendance = attendance;
    this.#attend();
    return () => {
      attendance.end?.();
      this.#attendance = undefined;
    };
  }

  /** After the remaining events, watchers get the error, if there is one. */
  end(failure: { error?: unknown } = {}): void {
    this.#ended = failure;
    this.#notify();
  }

  async ended(): Promise<void> {
    while (!this.#ended) await this.#changed();
  }

  watch(): AsyncGenerator<TurnEvent> {
    return TurnEvents.watch(this);
  }

  /**
   * Yields the events of a turn. If `begin` is a function, calls it when the first event is requested. This one generator serves both
   * cases, because every additional generator that an event passes through costs time.
   */
  static async *watch(begin: TurnEvents | (() => Promise<TurnEvents>)): AsyncGenerator<TurnEvent> {
    const turn = begin instanceof TurnEvents ? begin : await begin();
    let next = 0;
    turn.#watchers++;
    turn.#attend();
    try {
      for (;;) {
        for (let event = turn.#events[next]; event; event = turn.#events[next]) {
          next++;
          turn.#taken = Math.max(turn.#taken, next);
          yield event;
        }
        if (turn.#ended) {
          if ("error" in turn.#ended) throw turn.#ended.error;
          return;
        }
        await turn.#changed();
      }
    } finally {
      turn.#watchers--;
      turn.#attend();
    }
  }

  #add(event: TurnEvent): void {
    const last = this.#events.length - this.#taken > mostWaiting ? this.#events.at(-1) : undefined;
    const merged = last && mergedEvent(last, event);
    if (merged) this.#events[this.#events.length - 1] = merged;
    else this.#events.push(event);
  }

  #attend(): void {
    const attendance = this.#attendance;
    if (!attendance) return;
    if (this.#watchers > 0) attendance.end ??= attendance.begin();
    else {
      attendance.end?.();
      attendance.end = undefined;
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

/** Returns one event that replaces both, if the second event continues or replaces the first. Otherwise returns undefined. */
function mergedEvent(first: TurnEvent, second: TurnEvent): TurnEvent | undefined {
  if (second.type === "text_delta" || second.type === "reasoning_delta") {
    return first.type === second.type ? { ...second, delta: first.delta + second.delta } : undefined;
  }
  const outdates = second.type === "tool_progress" && first.type === "tool_progress" && first.callId === second.callId;
  return outdates ? second : undefined;
}

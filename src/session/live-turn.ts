import { CallSignal } from "../core/call-signal.js";
import type { ContentPart, LiveEvent, TurnEvent } from "../core/chat.js";
import { isSameContent, requestMismatch } from "../history/claims.js";

/** Work done while a turn is watched. `end` is set while it is active. */
interface Attendance {
  begin: () => () => void;
  end?: () => void;
}

/** Number of events no watcher has read yet, above which they are merged. */
const mostWaiting = 100;

/**
 * A turn as its watchers see it: each of them gets every event since its start, however late it joins. The turn does not wait for its
 * watchers, nor end when they leave. A long backlog is merged into fewer, longer deltas.
 */
export class LiveTurn {
  readonly #events: TurnEvent[] = [];
  /** Aborts when the turn is cancelled or parked. */
  readonly stop = new CallSignal();
  /** Number of events that the furthest watcher has read. */
  #taken = 0;
  #wake: (() => void)[] = [];
  #ended: { error?: unknown } | undefined;
  #lastSeq = 0;
  /** Index of the first event after the last stored one. */
  #open = 0;
  /** Set once the request is in the log. A request repeated after a failure resumes its old turn. */
  turnId = "";
  /** True if the answer was already in the log: nothing ran or was paid. */
  cached = false;
  /** True while this host runs it; otherwise another host does, or it waits. */
  isHere = false;
  /** True if it is cancelled because the host is closing. */
  isLeaving = false;
  /** True while it waits to be given to any host; until then it does not run here. */
  isQueued = false;
  /** True if it was given to this host and not requested here. */
  isGuest = false;
  /** True if it is cancelled by name, and does not wait for earlier turns to end. */
  endsOutOfTurn = false;
  /** True if its next crash is its last. */
  isSuspect = false;
  #isParked = false;
  #lastEnd = 0;
  #watchers = 0;
  #attendance: Attendance | undefined;

  constructor(
    readonly requestId: string,
    readonly content: readonly ContentPart[],
    readonly onEvent: (event: TurnEvent) => void = () => {},
  ) {}

  cancel(): void {
    this.stop.abort();
  }

  /** Stops the turn without an end because the host is closing, even if it was cancelled and has not ended. */
  park(): void {
    this.#isParked = true;
    this.cancel();
  }

  get isParked(): boolean {
    return this.#isParked;
  }

  /** Throws RequestError if its request had other content. */
  requireContent(content: readonly ContentPart[]): void {
    if (!isSameContent(this.content, content)) throw requestMismatch(this.requestId);
  }

  /** Publishes an event, unless it is a stored one shown before. `shown`: what watchers see of it. */
  publish(event: TurnEvent, shown: readonly TurnEvent[] = [event]): void {
    if ("seq" in event) {
      if (event.seq <= this.#lastSeq) return;
      this.#lastSeq = event.seq;
      if (event.type !== "user_message") this.#lastEnd = event.seq;
    }
    for (const each of shown) this.#add(each);
    if ("seq" in event) this.#open = this.#events.length;
    this.onEvent(event);
    this.#notify();
  }

  /** Shows watchers here an event of another host. */
  overhear(event: LiveEvent): void {
    this.#add(event);
    this.#notify();
  }

  /** Marks stored events up to this one as shown, or as not to be shown. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Events shown since the last stored one. */
  get happening(): TurnEvent[] {
    return this.#events.slice(this.#open);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The last stored event that was shown, other than the request. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /**
   * Calls `begin` when the first watcher comes and the function it returned when the last one leaves, until the returned function is
   * called.
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

  /** Gives watchers the remaining events, then the error, if any: the log could not be written. */
  end(failure: { error?: unknown } = {}): void {
    this.#ended = failure;
    this.#notify();
  }

  async ended(): Promise<void> {
    while (!this.#ended) await this.#changed();
  }

  watch(): AsyncGenerator<TurnEvent> {
    return LiveTurn.watch(this);
  }

  /** Calls `begin` when the first event is requested. One generator serves both, since each one that an event passes through costs time. */
  static async *watch(begin: LiveTurn | (() => Promise<LiveTurn>)): AsyncGenerator<TurnEvent> {
    const turn = begin instanceof LiveTurn ? begin : await begin();
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

/** Merges both events if the second continues or outdates the first. */
function mergedEvent(first: TurnEvent, second: TurnEvent): TurnEvent | undefined {
  if (second.type === "text_delta" || second.type === "reasoning_delta") {
    return first.type === second.type ? { ...second, delta: first.delta + second.delta } : undefined;
  }
  const outdates = second.type === "tool_progress" && first.type === "tool_progress" && first.callId === second.callId;
  return outdates ? second : undefined;
}

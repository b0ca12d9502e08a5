import { CallSignal } from "../core/call-signal.js";
import type { ContentPart, LiveEvent, TurnEvent } from "../core/chat.js";
import { isSameContent, requestMismatch } from "../history/claims.js";

/** What is done while a turn is watched. `end`: it is being done. */
interface Attendance {
  begin: () => () => void;
  end?: () => void;
}

/** Live events that no watcher has had yet before they are merged. */
const mostWaiting = 100;

/**
 * A turn as its watchers see it: every event since its start, for each of them, however late one comes. The turn does not wait for
 * its watchers, nor end when they leave; much that waits for all of them is kept in fewer, longer deltas.
 */
export class LiveTurn {
  readonly #events: TurnEvent[] = [];
  /** Aborts when it is cancelled or parked. */
  readonly stop = new CallSignal();
  /** Events that a watcher has had. */
  #taken = 0;
  #wake: (() => void)[] = [];
  #ended: { error?: unknown } | undefined;
  #lastSeq = 0;
  /** Where in the events those begin that came after the last stored one. */
  #open = 0;
  /** Known once the request is in the log. A request that is sent again after a failure goes on with its old turn. */
  turnId = "";
  /** The answer was already in the log: nothing ran, nothing was paid. */
  cached = false;
  /** This process runs it now; else another one does, or it waits. */
  isHere = false;
  /** It is cancelled because the host is closing. */
  isLeaving = false;
  /** It waits to be given to a process, this one or another: it is not run here before. */
  isQueued = false;
  /** Nobody asked for it here: it was given to this process. */
  isGuest = false;
  /** It is cancelled by name, and does not wait for the turns before it to end. */
  endsOutOfTurn = false;
  /** The next process that it ends is its last. */
  isSuspect = false;
  #isParked = false;
  #lastEnd = 0;
  #watchers = 0;
  #attendance: Attendance | undefined;

  constructor(
    readonly requestId: string,
    readonly content: readonly ContentPart[],
    /** Told of every event when it is published. */
    readonly onEvent: (event: TurnEvent) => void = () => {},
  ) {}

  cancel(): void {
    this.stop.abort();
  }

  /** The host is closing: the turn stops where it is, without an end, also when it was cancelled before and has not ended yet. */
  park(): void {
    this.#isParked = true;
    this.cancel();
  }

  get isParked(): boolean {
    return this.#isParked;
  }

  /** Throws RequestError when its request was another one than this. */
  requireContent(content: readonly ContentPart[]): void {
    if (!isSameContent(this.content, content)) throw requestMismatch(this.requestId);
  }

  /** A stored event that was shown before is not shown again. `shown`: what who watches sees of it. */
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

  /** For those who watch it here: it happens in another process. */
  overhear(event: LiveEvent): void {
    this.#add(event);
    this.#notify();
  }

  /** Stored events up to this one are not shown, or were. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** What has been shown since the last stored event. */
  get happening(): TurnEvent[] {
    return this.#events.slice(this.#open);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The last event that was shown, beside the request. */
  get lastEnd(): number {
    return this.#lastEnd;
  }

  /** While somebody watches, until the returned function is called: `begin` is called then, and what it returned when nobody does. */
  whileWatched(begin: () => () => void): () => void {
    const attendance: Attendance = { begin };
    this.#attendance = attendance;
    this.#attend();
    return () => {
      attendance.end?.();
      this.#attendance = undefined;
    };
  }

  /** Watchers get the events so far and then the error, if there is one: the log could not be written. */
  end(failure: { error?: unknown } = {}): void {
    this.#ended = failure;
    this.#notify();
  }

  /** Resolves after `end`. */
  async ended(): Promise<void> {
    while (!this.#ended) await this.#changed();
  }

  watch(): AsyncGenerator<TurnEvent> {
    return LiveTurn.watch(this);
  }

  /** `begin` is called when the first event is asked for. One generator for both: each that an event goes through takes its time. */
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

/** Both as one event, where the second goes on with the first or outdates it. */
function mergedEvent(first: TurnEvent, second: TurnEvent): TurnEvent | undefined {
  if (second.type === "text_delta" || second.type === "reasoning_delta") {
    return first.type === second.type ? { ...second, delta: first.delta + second.delta } : undefined;
  }
  const outdates = second.type === "tool_progress" && first.type === "tool_progress" && first.callId === second.callId;
  return outdates ? second : undefined;
}

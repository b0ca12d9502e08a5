import type { LiveTurnState, TurnClosing, WatchedTurn } from "../../core/cluster-port.js";
import { RequestError } from "../../core/errors.js";
import type { LiveEvent, TurnEvent } from "../../core/events.js";
import type { ContentPart } from "../../core/messages.js";
import type { TurnMail } from "../../core/turn-leases.js";
import { isSameContent, requestMismatch } from "../../log/shared/repeated-requests.js";
import { abortReason, TimeLimitReached } from "../../turn/turn-options.js";
import type { PromptOptions } from "../shared/prompt-options.js";

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
 * A turn as its watchers see it. Every watcher gets all events since the start of the turn, even if the watcher comes late. The turn does
 * not wait for watchers, and continues without them. If many events wait to be read, several deltas are merged into one.
 */
export class LiveTurn implements WatchedTurn {
  readonly #events: TurnEvent[] = [];
  readonly #stopping = new AbortController();
  /** Aborts when the turn is cancelled or parked. */
  readonly stop: AbortSignal = this.#stopping.signal;
  /** Number of events that the fastest watcher has read. */
  #taken = 0;
  #wake: (() => void)[] = [];
  #state: LiveTurnState = { at: "claiming" };
  #closing: TurnClosing = "open";
  #lastSeq = 0;
  /** Index of the first event that was shown after the last stored event. */
  #open = 0;
  /**
   * Id of the turn. The id is empty until the request is in the log, because only then it is known whether the request resumes an old turn.
   */
  turnId = "";
  /** The model that the request names. */
  model: string | undefined;
  /** True if the log already contained the whole answer, so that nothing was run or paid for. */
  cached = false;
  /** True if this host got the turn from the queue or from a dead host, so that the turn was not requested here. */
  isGuest = false;
  /** True if the turn was cancelled by its request id. The turn then ends at once, and does not wait for earlier turns. */
  endsOutOfTurn = false;
  /** True if a caller on this host waits for the turn, and cannot ask for the answer again: see `PromptOptions.endsWithCaller`. */
  endsWithCaller = false;
  /** Permission of the caller that holds on this host only: see `TurnIntake`. */
  permission: Pick<PromptOptions, "approval" | "allow"> = {};
  /** True once the user wants to be asked, although the turn began with the approval mode `auto`. It holds as long as the turn is on this host. */
  isAutoWithdrawn = false;
  #lastEnd = 0;
  #watchers = 0;
  #attendance: Attendance | undefined;

  constructor(
    readonly requestId: string,
    readonly content: readonly ContentPart[],
    readonly onEvent: (event: TurnEvent) => void = () => {},
  ) {}

  get state(): LiveTurnState {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state.at === "running";
  }

  /** Changes the state. Does nothing if the turn has ended. */
  become(at: Exclude<LiveTurnState["at"], "claiming" | "ended">): void {
    if (this.#state.at !== "ended") this.#state = { at };
  }

  /**
   * Called when the queue has given the turn to a host. The turn may then run here, after the earlier turns. Does nothing if the turn was
   * not in the queue.
   */
  leaveQueue(): void {
    if (this.#state.at === "queued") this.become("waiting");
  }

  /** Stops the turn. It ends with this stop reason. Does nothing if it was stopped before. */
  cancel(stopReason: "cancelled" | "budget" = "cancelled"): void {
    this.#stopping.abort(stopReason === "budget" ? new TimeLimitReached() : undefined);
  }

  /** Mail that ends a cancelled turn on another host as it was cancelled here. */
  get cancelMail(): TurnMail {
    const isBudget = abortReason(this.stop) === "budget";
    return {
      type: "cancel",
      ...(this.endsOutOfTurn && { isOutOfTurn: true }),
      ...(isBudget && { stopReason: "budget" }),
    };
  }

  get closing(): TurnClosing {
    return this.#closing;
  }

  /** Cancels the turn because the host is closing. If the turn is still waiting, it is left to another host. */
  leave(): void {
    if (this.#closing === "open") this.#closing = "leaving";
    this.cancel();
  }

  /** Cancels the turn because the host is closing. If the turn is still waiting, it ends at once, because no other host may run it. */
  leaveOutOfTurn(): void {
    this.endsOutOfTurn = true;
    this.leave();
  }

  /** Stops the turn without storing an end, because the host is closing. Even a turn that was cancelled but has not ended gets no end. */
  park(): void {
    this.#closing = "parked";
    this.cancel();
  }

  /** Error for the caller if the closing host has cancelled a turn that ends with its caller; otherwise undefined. A repetition is a new call. */
  get closingError(): RequestError | undefined {
    if (!this.endsWithCaller || this.#closing === "open") return undefined;
    return new RequestError("shutting_down", "the host is closing, and this call was cancelled", { retryable: true });
  }

  /**
   * Throws RequestError if the turn is parked. A closing host parks its turns, so that another host, or this one after a restart, continues
   * them.
   */
  requireOpen(): void {
    if (this.#closing !== "parked") return;
    if (this.closingError) throw this.closingError;
    throw new RequestError("shutting_down", "the host is closing; this turn continues when the host is started again", {
      retryable: true,
      hint: "send the same request_id again",
    });
  }

  /** Throws RequestError if this content differs from the content of the turn's request. */
  requireContent(content: readonly ContentPart[]): void {
    if (!isSameContent(this.content, content)) throw requestMismatch(this.requestId);
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
    this.onEvent(event);
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

  /** Ends the turn. Watchers get the remaining events, and after them the error, if there is one. */
  end(failure: { error?: unknown } = {}): void {
    this.#state = { at: "ended", ...failure };
    this.#notify();
  }

  async ended(): Promise<void> {
    while (this.#state.at !== "ended") await this.#changed();
  }

  watch(): AsyncGenerator<TurnEvent> {
    return LiveTurn.watch(this);
  }

  /**
   * Yields the events of a turn. If `begin` is a function, calls it when the first event is requested. This one generator serves both
   * cases, because every additional generator that an event passes through costs time.
   */
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
        if (turn.#state.at === "ended") {
          if ("error" in turn.#state) throw turn.#state.error;
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

import type { ContentPart, TurnEvent } from "../core/chat.js";

/**
 * A turn as its watchers see it: every event since its start, for each of them, however late one comes. The turn does not wait for
 * its watchers, nor end when they leave.
 */
export class LiveTurn {
  readonly #events: TurnEvent[] = [];
  readonly #controller = new AbortController();
  #wake: (() => void)[] = [];
  #ended: { error?: unknown } | undefined;
  #lastSeq = 0;
  /** Known once the request is in the log. A request that is sent again after a failure goes on with its old turn. */
  turnId = "";
  /** The answer was already in the log: nothing ran, nothing was paid. */
  cached = false;
  /** This process runs it now; else another one does, or it waits. */
  isHere = false;
  /** It is cancelled because the host is closing. */
  isLeaving = false;
  #isParked = false;

  constructor(
    readonly requestId: string,
    readonly content: readonly ContentPart[],
    /** Told of every event when it is published. */
    readonly onEvent: (event: TurnEvent) => void = () => {},
  ) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  cancel(): void {
    this.#controller.abort();
  }

  /** The host is closing: the turn stops where it is, without an end, also when it was cancelled before and has not ended yet. */
  park(): void {
    this.#isParked = true;
    this.#controller.abort();
  }

  get isParked(): boolean {
    return this.#isParked;
  }

  /** A stored event that was shown before is not shown again. */
  publish(event: TurnEvent): void {
    if ("seq" in event) {
      if (event.seq <= this.#lastSeq) return;
      this.#lastSeq = event.seq;
    }
    this.#events.push(event);
    this.onEvent(event);
    this.#notify();
  }

  /** Stored events up to this one are not shown, or were. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Watchers get the events so far and then the error, if there is one: the log could not be written. */
  end(failure: { error?: unknown } = {}): void {
    this.#ended = failure;
    this.#notify();
  }

  async *watch(): AsyncGenerator<TurnEvent> {
    let next = 0;
    for (;;) {
      for (let event = this.#events[next]; event; event = this.#events[next]) {
        next++;
        yield event;
      }
      if (this.#ended) {
        if ("error" in this.#ended) throw this.#ended.error;
        return;
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

import type { ContentPart, TurnEvent } from "../core/chat.js";

/**
 * A running turn as its watchers see it: every event since its start, for each of them, however late one comes. The turn
 * does not wait for its watchers, nor end when they leave.
 */
export class LiveTurn {
  readonly #events: TurnEvent[] = [];
  readonly #controller = new AbortController();
  #wake: (() => void)[] = [];
  #ended: { error?: unknown } | undefined;
  /** Known once the request is in the log. A request that is sent again after a failure goes on with its old turn. */
  turnId: string | undefined;
  /** The answer was already in the log: nothing ran, nothing was paid. */
  cached = false;

  constructor(
    readonly requestId: string,
    readonly content: readonly ContentPart[],
  ) {}

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  cancel(reason?: Error): void {
    this.#controller.abort(reason);
  }

  publish(event: TurnEvent): void {
    this.#events.push(event);
    this.#notify();
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

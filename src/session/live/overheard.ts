import type { LiveEvent, StoredEvent, TurnEvent } from "../../core/chat.js";
import type { LiveTurn } from "../live-turn.js";
import { Cursor } from "./cursor.js";
import type { LiveExchange } from "./exchange.js";
import type { Feed } from "./feeds.js";
import type { OpenMessage } from "./open-message.js";

/** One turn as those who watch it here see it, whichever process runs it: also what they are shown when it goes from one to the next. */
export class Overheard {
  readonly #turn: LiveTurn;
  readonly #conversationId: string;
  readonly #exchange: LiveExchange | undefined;
  readonly #cursor: Cursor;
  #feed: Feed | undefined;
  #leave: (() => void) | undefined;

  /** Without an exchange, only what happens here and what is stored is shown. */
  constructor(turn: LiveTurn, conversationId: string, exchange: LiveExchange | undefined) {
    this.#turn = turn;
    this.#conversationId = conversationId;
    this.#exchange = exchange;
    this.#cursor = new Cursor(this, turn);
  }

  /** What another process is writing: it is what the cursor reads. */
  get open(): OpenMessage | undefined {
    return this.#feed?.open;
  }

  /** Another process may run it. */
  follow(): void {
    const exchange = this.#exchange;
    if (!exchange || this.#leave) return;
    this.#leave = this.#turn.whileWatched(() => {
      const { feed, leave } = exchange.follow(this.#conversationId, () => this.#show());
      this.#feed = feed;
      this.#show();
      return () => {
        this.#feed = undefined;
        leave();
      };
    });
  }

  /** No other process runs it. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Another process has stored this, or one did before the turn was run here. */
  stored(event: StoredEvent): void {
    for (const rest of this.#cursor.stored(event)) this.#turn.overhear(rest);
    this.#turn.publish(event);
    this.#show();
  }

  /** The log was read up to here. */
  skipTo(seq: number): void {
    this.#turn.skipTo(seq);
    this.#cursor.skipTo(seq);
    this.#show();
  }

  /** It happened here. */
  happened(event: TurnEvent): void {
    this.#exchange?.note(this.#conversationId, event, this.#turn.turnId);
    this.#turn.publish(event, this.#inPlaceOf(event));
  }

  /** What was shown of the message that is open is void. */
  forget(): void {
    this.#cursor.shown.void("");
  }

  /** Where the process before this one was in the middle of a message, the same words are not shown twice. */
  #inPlaceOf(event: TurnEvent): TurnEvent[] {
    const { shown } = this.#cursor;
    if (shown.isEmpty) return [event];
    if ("seq" in event) return [...this.#cursor.stored(event), event];
    const open = isOfMessage(event) ? this.#exchange?.writing(this.#conversationId) : undefined;
    return open ? shown.toward(open, "another process goes on with this turn") : [event];
  }

  #show(): void {
    for (const event of this.#cursor.take()) this.#turn.overhear(event);
  }
}

function isOfMessage({ type }: LiveEvent): boolean {
  return type === "text_delta" || type === "reasoning_delta" || type === "discard";
}

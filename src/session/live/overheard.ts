import type { LiveEvent, StoredEvent, TurnEvent } from "../../core/chat.js";
import type { LiveTurn } from "../live-turn.js";
import { Cursor } from "./cursor.js";
import type { LiveExchange } from "./exchange.js";
import type { Feed } from "./feeds.js";
import type { OpenMessage } from "./open-message.js";

/** A turn as its watchers here see it, whichever host runs it, also while it moves from one host to the next. */
export class Overheard {
  readonly #turn: LiveTurn;
  readonly #conversationId: string;
  readonly #exchange: LiveExchange | undefined;
  readonly #cursor: Cursor;
  #feed: Feed | undefined;
  #leave: (() => void) | undefined;

  /** Without an exchange, shows only what is stored or happens here. */
  constructor(turn: LiveTurn, conversationId: string, exchange: LiveExchange | undefined) {
    this.#turn = turn;
    this.#conversationId = conversationId;
    this.#exchange = exchange;
    this.#cursor = new Cursor(this, turn);
  }

  /** The message that another host is writing, read by the cursor. */
  get open(): OpenMessage | undefined {
    return this.#feed?.open;
  }

  /** Follows other hosts, which may run the turn. */
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

  /** Stops following: no other host runs the turn. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Shows an event stored by another host, or before the turn ran here. */
  stored(event: StoredEvent): void {
    for (const rest of this.#cursor.stored(event)) this.#turn.overhear(rest);
    this.#turn.publish(event);
    this.#show();
  }

  skipTo(seq: number): void {
    this.#turn.skipTo(seq);
    this.#cursor.skipTo(seq);
    this.#show();
  }

  happened(event: TurnEvent): void {
    this.#exchange?.note(this.#conversationId, event, this.#turn.turnId);
    this.#turn.publish(event, this.#inPlaceOf(event));
  }

  /** Voids what was shown of the open message. */
  forget(): void {
    this.#cursor.shown.void("");
  }

  /** Returns what to show for the event, without repeating words that the previous host had already shown. */
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

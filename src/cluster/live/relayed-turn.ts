import type { WatchedTurn } from "../../core/cluster-port.js";
import type { LiveEvent, StoredEvent, TurnEvent } from "../../core/events.js";
import type { DeltaRelay } from "./delta-relay.js";
import type { Feed } from "./feeds.js";
import { Cursor } from "./live-cursor.js";
import type { OpenMessage } from "./open-message.js";

/** A turn as this host shows it, whichever host runs it. The turn may move from one host to another meanwhile. */
export class RelayedTurn {
  readonly #turn: WatchedTurn;
  readonly #conversationId: string;
  readonly #relay: DeltaRelay | undefined;
  readonly #cursor: Cursor;
  #feed: Feed | undefined;
  #leave: (() => void) | undefined;

  /** If `relay` is undefined, only stored events and events of this host are shown. */
  constructor(turn: WatchedTurn, conversationId: string, relay: DeltaRelay | undefined) {
    this.#turn = turn;
    this.#conversationId = conversationId;
    this.#relay = relay;
    this.#cursor = new Cursor(this, turn);
  }

  /** The message that another host is writing now. The cursor reads it. */
  get open(): OpenMessage | undefined {
    return this.#feed?.open;
  }

  /** Starts to receive live events of other hosts. Called when another host may run the turn. */
  follow(): void {
    const relay = this.#relay;
    if (!relay || this.#leave) return;
    this.#leave = this.#turn.whileWatched(() => {
      const { feed, leave } = relay.follow(this.#conversationId, () => this.#show());
      this.#feed = feed;
      this.#show();
      return () => {
        this.#feed = undefined;
        leave();
      };
    });
  }

  /** Stops receiving live events of other hosts. Called when no other host runs the turn. */
  leave(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Shows an event that another host has stored, or that was stored before the turn ran here. */
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
    this.#relay?.note(this.#conversationId, event, this.#turn.turnId);
    this.#turn.publish(event, this.#inPlaceOf(event));
  }

  /**
   * Drops the record of which part of the open message was shown. Otherwise that part would be taken for the beginning of the next message.
   */
  forget(): void {
    this.#cursor.shown.void("");
  }

  /** Returns what to show for an event of this host. Text that was shown while the previous host ran the turn is not repeated. */
  #inPlaceOf(event: TurnEvent): TurnEvent[] {
    const { shown } = this.#cursor;
    if (shown.isEmpty) return [event];
    if ("seq" in event) return [...this.#cursor.stored(event), event];
    const open = isOfMessage(event) ? this.#relay?.writing(this.#conversationId) : undefined;
    return open ? shown.toward(open, "another process continues this turn") : [event];
  }

  #show(): void {
    for (const event of this.#cursor.take()) this.#turn.overhear(event);
  }
}

function isOfMessage({ type }: LiveEvent): boolean {
  return type === "text_delta" || type === "reasoning_delta" || type === "discard";
}

import type { LiveEvent, StoredEvent } from "../../core/chat.js";
import type { OpenMessage } from "./open-message.js";
import { ShownMessage } from "./shown-message.js";

/** Number of turns whose last event is remembered: more than can be in transit at a time. */
const mostTurns = 8;

/**
 * A reader of what another host writes, in step with the stored events already shown. Nothing of a message is shown before the event that
 * the message follows, nor after the message's own event.
 */
export class Cursor {
  readonly shown = new ShownMessage();
  readonly #source: { readonly open: OpenMessage | undefined };
  readonly #turnId: string | undefined;
  #lastSeq: number;
  /** Last event of each turn that ended a message. A turn that is cancelled while it waits ends beside the running one. */
  readonly #lastEnds = new Map<string, number>();
  #seen: OpenMessage | undefined;
  #lastNotice = 0;

  /** `turnId`: the only turn to show. */
  constructor(
    source: { readonly open: OpenMessage | undefined },
    { turnId, lastSeq, lastEnd = 0 }: { turnId?: string; lastSeq: number; lastEnd?: number },
  ) {
    this.#source = source;
    this.#turnId = turnId;
    this.#lastSeq = lastSeq;
    if (turnId !== undefined) this.#lastEnds.set(turnId, lastEnd);
  }

  /** True while stored events that come first are missing. */
  get isBehind(): boolean {
    return (this.#source.open?.place.after ?? 0) > this.#lastSeq;
  }

  take(): LiveEvent[] {
    const { open } = this.#source;
    if (!open || this.isBehind || open.place.after < (this.#lastEnds.get(open.place.turnId) ?? 0)) return [];
    if (this.#turnId !== undefined && open.place.turnId !== this.#turnId) return [];
    if (open !== this.#seen) this.#lastNotice = 0;
    this.#seen = open;
    const notices = open.noticesAfter(this.#lastNotice);
    this.#lastNotice = notices.at(-1)?.number ?? this.#lastNotice;
    const words = this.shown.toward(open, open.reason ?? "the answer was begun again");
    return [...words, ...notices.map(({ notice }) => notice)];
  }

  /** Returns what must be shown before this event. The caller then shows the event, unless it was shown earlier. */
  stored(event: StoredEvent): LiveEvent[] {
    if (event.seq <= this.#lastSeq) return [];
    this.skipTo(event.seq);
    if (event.type === "user_message") return []; // of a waiting turn
    this.#lastEnds.delete(event.turnId);
    this.#lastEnds.set(event.turnId, event.seq);
    const [oldest] = this.#lastEnds.keys();
    if (oldest !== undefined && this.#lastEnds.size > mostTurns) this.#lastEnds.delete(oldest);
    return this.#seen && event.turnId !== this.#seen.place.turnId ? [] : this.shown.settle(event);
  }

  /** Marks the events up to `seq` as shown, or as not to be shown. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }
}

import type { LiveEvent, StoredEvent } from "../../core/chat.js";
import type { OpenMessage } from "./open-message.js";
import { ShownMessage } from "./shown-message.js";

/** Turns whose last event is remembered: more than can be on their way at a time. */
const mostTurns = 8;

/**
 * One reader of what another process writes, in step with the stored events that he has been shown: nothing of a message comes before the
 * event that the message comes after, nor once its own event was there.
 */
export class Cursor {
  readonly shown = new ShownMessage();
  readonly #source: { readonly open: OpenMessage | undefined };
  readonly #turnId: string | undefined;
  #lastSeq: number;
  /** The last event of each turn that ended a message. A turn that is cancelled while it waits ends beside the one that runs. */
  readonly #lastEnds = new Map<string, number>();
  #seen: OpenMessage | undefined;
  #lastNotice = 0;

  /** `turnId`: the only turn that is shown. */
  constructor(
    source: { readonly open: OpenMessage | undefined },
    { turnId, lastSeq, lastEnd = 0 }: { turnId?: string; lastSeq: number; lastEnd?: number },
  ) {
    this.#source = source;
    this.#turnId = turnId;
    this.#lastSeq = lastSeq;
    if (turnId !== undefined) this.#lastEnds.set(turnId, lastEnd);
  }

  /** Stored events are missing that come first. */
  get isBehind(): boolean {
    return (this.#source.open?.place.after ?? 0) > this.#lastSeq;
  }

  /** What can be shown now. */
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

  /** What is shown before this event, which is shown now unless it was before. */
  stored(event: StoredEvent): LiveEvent[] {
    if (event.seq <= this.#lastSeq) return [];
    this.skipTo(event.seq);
    if (event.type === "user_message") return []; // of a turn that waits
    this.#lastEnds.delete(event.turnId);
    this.#lastEnds.set(event.turnId, event.seq);
    const [oldest] = this.#lastEnds.keys();
    if (oldest !== undefined && this.#lastEnds.size > mostTurns) this.#lastEnds.delete(oldest);
    return this.#seen && event.turnId !== this.#seen.place.turnId ? [] : this.shown.settle(event);
  }

  /** The events up to this one were shown, or will not be. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }
}

import type { LiveCursor } from "../../core/cluster-port.js";
import type { LiveEvent, StoredEvent } from "../../core/events.js";
import type { OpenMessage } from "./open-message.js";
import { ShownMessage } from "./shown-message.js";

/** Maximum number of turns whose last stored event is remembered. It is more than the number of turns with events in transit at a time. */
const mostTurns = 8;

/**
 * A reader of the message that another host is writing. The message and the stored events are shown in order: the message is shown only
 * after the stored event that it follows, and is no longer shown once it has been stored itself.
 */
export class Cursor implements LiveCursor {
  readonly shown = new ShownMessage();
  readonly #source: { readonly open: OpenMessage | undefined };
  readonly #turnId: string | undefined;
  #lastSeq: number;
  /**
   * Turn id -> `seq` of the turn's last stored event. It is kept for several turns, because a turn that is cancelled while it waits can end
   * while another turn is running.
   */
  readonly #lastEnds = new Map<string, number>();
  #seen: OpenMessage | undefined;
  #lastNotice = 0;

  /** If `turnId` is set, only the events of that turn are shown. */
  constructor(
    source: { readonly open: OpenMessage | undefined },
    { turnId, lastSeq, lastEnd = 0 }: { turnId?: string; lastSeq: number; lastEnd?: number },
  ) {
    this.#source = source;
    this.#turnId = turnId;
    this.#lastSeq = lastSeq;
    if (turnId !== undefined) this.#lastEnds.set(turnId, lastEnd);
  }

  /** True if the open message (the one that is being written) follows a stored event that this reader has not received yet. */
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
    const words = this.shown.toward(open, open.reason ?? "the answer was restarted");
    return [...words, ...notices.map(({ notice }) => notice)];
  }

  /** Returns what to show before this stored event. The caller must then show the event itself, unless it has already done so. */
  stored(event: StoredEvent): LiveEvent[] {
    if (event.seq <= this.#lastSeq) return [];
    this.skipTo(event.seq);
    if (event.type === "user_message") return []; // the request of a waiting turn does not end the message that is being written
    this.#lastEnds.delete(event.turnId);
    this.#lastEnds.set(event.turnId, event.seq);
    const [oldest] = this.#lastEnds.keys();
    if (oldest !== undefined && this.#lastEnds.size > mostTurns) this.#lastEnds.delete(oldest);
    return this.#seen && event.turnId !== this.#seen.place.turnId ? [] : this.shown.settle(event);
  }

  void(reason: string): LiveEvent[] {
    return this.shown.void(reason);
  }

  /** Marks the events up to `seq` as shown, so that they are skipped. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }
}

import type { LiveCursor } from "../../core/cluster-port.js";
import type { LiveEvent, StoredEvent } from "../../core/events.js";
import type { Delta } from "../../core/messages.js";
import type { MessageTexts, OpenMessage } from "./open-message.js";

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
    return (this.#source.open?.position.after ?? 0) > this.#lastSeq;
  }

  take(): LiveEvent[] {
    const { open } = this.#source;
    if (!open || this.isBehind || open.position.after < (this.#lastEnds.get(open.position.turnId) ?? 0)) return [];
    if (this.#turnId !== undefined && open.position.turnId !== this.#turnId) return [];
    if (open !== this.#seen) this.#lastNotice = 0;
    this.#seen = open;
    const notices = open.noticesAfter(this.#lastNotice);
    this.#lastNotice = notices.at(-1)?.number ?? this.#lastNotice;
    const events = this.shown.toward(open, open.reason ?? "the answer was restarted");
    return [...events, ...notices.map(({ notice }) => notice)];
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
    return this.#seen && event.turnId !== this.#seen.position.turnId ? [] : this.shown.settle(event);
  }

  void(reason: string): LiveEvent[] {
    return this.shown.void(reason);
  }

  /** Marks the events up to `seq` as shown, so that they are skipped. */
  skipTo(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }
}

/**
 * The part of a message that a reader has already been shown. Another host is writing the message, or wrote it until it crashed. If the
 * message turns out not to begin with this part, the part is voided.
 */
class ShownMessage {
  #text = "";
  #reasoning = "";
  /**
   * The message that began with the shown part when it was last checked. A message only grows, so new text of this message is shown without
   * another check.
   */
  #followed: MessageTexts | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#reasoning === "";
  }

  /**
   * Returns what must still be shown so that the reader has the message as far as it is written. Returns nothing as long as the message is
   * not longer than the part shown.
   */
  toward(message: MessageTexts, reason: string): LiveEvent[] {
    if (this.#followed === message) return this.#rest(message);
    const isOther = !agree(this.#text, message.text) || !agree(this.#reasoning, message.reasoning);
    const voided = isOther ? this.void(reason) : [];
    // While the message is shorter than what was shown, the message may still turn out to differ from what was shown.
    if (message.text.length < this.#text.length || message.reasoning.length < this.#reasoning.length) return [];
    this.#followed = message;
    return [...voided, ...this.#rest(message)];
  }

  /**
   * Returns what to show before this stored event. Returns nothing if no part of the message was shown yet, because the event itself
   * contains the text.
   */
  settle(event: StoredEvent): LiveEvent[] {
    if (this.isEmpty) return [];
    if (event.type !== "assistant_message") return this.void("the answer is not continued");
    const { content: text, reasoning = "" } = event.message;
    if (!text.startsWith(this.#text) || !reasoning.startsWith(this.#reasoning)) {
      return this.void("the answer was restarted");
    }
    const rest = this.#rest({ text, reasoning });
    this.#clear();
    return rest;
  }

  void(reason: string): LiveEvent[] {
    const events: LiveEvent[] = this.isEmpty ? [] : [{ type: "discard", reason }];
    this.#clear();
    return events;
  }

  #rest({ text, reasoning }: MessageTexts): Delta[] {
    const thought = reasoning.slice(this.#reasoning.length);
    const delta = text.slice(this.#text.length);
    this.#reasoning += thought;
    this.#text += delta;
    return [
      ...(thought ? [{ type: "reasoning_delta" as const, delta: thought }] : []),
      ...(delta ? [{ type: "text_delta" as const, delta }] : []),
    ];
  }

  #clear(): void {
    this.#text = "";
    this.#reasoning = "";
    this.#followed = undefined;
  }
}

function agree(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

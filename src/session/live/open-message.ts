import type { Delta, Discard, LiveEvent, TurnEvent } from "../../core/chat.js";

/**
 * Identifies the message being written: it will follow event `after`, from the writer with this `fence`, as attempt number `attempt` since
 * then. Later places in a conversation are greater, also across turns and hosts; see `compare`.
 */
export interface Place {
  turnId: string;
  /** The conversation's last event that the writer knew. */
  after: number;
  fence: number;
  attempt: number;
}

/** An event that is neither part of a message nor its end. */
export type Notice = Exclude<LiveEvent, Delta | Discard>;

export interface Words {
  readonly text: string;
  readonly reasoning: string;
}

/** How much of an open message a reader has: lengths in UTF-16 units, and the number of the last notice. */
export interface Known {
  text: number;
  reasoning: number;
  notice: number;
}

export const nothingKnown: Known = { text: 0, reasoning: 0, notice: 0 };

/** A message while it is written, with the latest notice of each call and server. */
export class OpenMessage implements Words {
  text = "";
  reasoning = "";
  readonly #notices = new Map<string, { number: number; notice: Notice }>();
  #lastNotice = 0;

  constructor(
    readonly place: Place,
    /** Reason why the previous attempt is void. */
    readonly reason?: string,
  ) {}

  /** Applies the event and returns the message that is then open: this one or the next. */
  after(event: TurnEvent): OpenMessage {
    if ("seq" in event) return new OpenMessage({ ...this.place, after: event.seq, attempt: 0 });
    if (event.type === "discard") {
      return new OpenMessage({ ...this.place, attempt: this.place.attempt + 1 }, event.reason);
    }
    if (event.type === "tool_progress" || event.type === "server_status") this.notice(event, this.#lastNotice + 1);
    else if (event.type === "text_delta") this.text += event.delta;
    else this.reasoning += event.delta;
    return this;
  }

  /** Ignores a notice older than the one known. */
  notice(notice: Notice, number: number): void {
    const key = notice.type === "tool_progress" ? `call ${notice.callId}` : `server ${notice.server}`;
    if (number <= (this.#notices.get(key)?.number ?? 0)) return;
    this.#notices.set(key, { number, notice });
    this.#lastNotice = Math.max(this.#lastNotice, number);
  }

  noticesAfter(known: number): { number: number; notice: Notice }[] {
    if (known >= this.#lastNotice) return [];
    return [...this.#notices.values()]
      .filter(({ number }) => number > known)
      .sort((one, other) => one.number - other.number);
  }

  get known(): Known {
    return { text: this.text.length, reasoning: this.reasoning.length, notice: this.#lastNotice };
  }
}

/** Negative if `one` comes before `other`. */
export function compare(one: Place, other: Place): number {
  return one.after - other.after || one.fence - other.fence || one.attempt - other.attempt;
}

export function samePlace(one: Place, other: Place): boolean {
  return one.turnId === other.turnId && compare(one, other) === 0;
}

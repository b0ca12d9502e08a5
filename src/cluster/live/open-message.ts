import type { LiveEvent, TurnEvent } from "../../core/events.js";
import type { Delta, Discard } from "../../core/messages.js";

/**
 * The position of a message that is being written: it follows the event `after`, its writer has the lease with this `fence`, and it is
 * attempt number `attempt` since that event. Positions in a conversation are ordered by time, even across turns and hosts; see `compare`.
 */
export interface MessagePosition {
  turnId: string;
  /** `seq` of the last event of the conversation that the writer had read. */
  after: number;
  fence: number;
  attempt: number;
}

/** A live event that belongs to no message: progress of a tool call, or the state of a server. */
export type Notice = Exclude<LiveEvent, Delta | Discard>;

export interface MessageTexts {
  readonly text: string;
  readonly reasoning: string;
}

/**
 * How much a reader has of a message that is still being written: the lengths of text and reasoning in UTF-16 units, and the sequence number
 * of the last `Notice` of this turn.
 */
export interface Known {
  text: number;
  reasoning: number;
  notice: number;
}

/** How much a host has received of a message, and the position of this message. */
export interface Received {
  position: MessagePosition;
  known: Known;
}

export const nothingKnown: Known = { text: 0, reasoning: 0, notice: 0 };

/** A message that is being written, together with the latest notice of each tool call and of each server. */
export class OpenMessage implements MessageTexts {
  text = "";
  reasoning = "";
  readonly #notices = new Map<string, { number: number; notice: Notice }>();
  #lastNotice = 0;

  constructor(
    readonly position: MessagePosition,
    /** Reason why the previous attempt was voided. */
    readonly reason?: string,
  ) {}

  /** Applies the event. Returns the message that is open after it: this message or, after a stored event or a `discard`, a new one. */
  after(event: TurnEvent): OpenMessage {
    if ("seq" in event) return new OpenMessage({ ...this.position, after: event.seq, attempt: 0 });
    if (event.type === "discard") {
      return new OpenMessage({ ...this.position, attempt: this.position.attempt + 1 }, event.reason);
    }
    if (event.type === "tool_progress" || event.type === "server_status") this.notice(event, this.#lastNotice + 1);
    else if (event.type === "text_delta") this.text += event.delta;
    else this.reasoning += event.delta;
    return this;
  }

  /** Adds a notice. Ignores it if a later notice of the same call or server has already been added. */
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

/** Compares two positions in a conversation. Returns a negative number if `one` comes before `other`. */
export function compare(one: MessagePosition, other: MessagePosition): number {
  return one.after - other.after || one.fence - other.fence || one.attempt - other.attempt;
}

export function isSamePosition(one: MessagePosition, other: MessagePosition): boolean {
  return one.turnId === other.turnId && compare(one, other) === 0;
}

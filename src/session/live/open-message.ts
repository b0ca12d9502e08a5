import type { Delta, Discard, LiveEvent, TurnEvent } from "../../core/chat.js";

/**
 * Which message is being written: the one that will come after the event `after`, by whoever has this `fence`, as the `attempt`th try
 * since then. In a conversation every later place is greater, also of another turn and in another process; see `compare`.
 */
export interface Place {
  turnId: string;
  /** The conversation's last event that its writer knew. */
  after: number;
  fence: number;
  attempt: number;
}

/** What is neither part of a message nor its end. */
export type Notice = Exclude<LiveEvent, Delta | Discard>;

/** What a message has so far. */
export interface Words {
  readonly text: string;
  readonly reasoning: string;
}

/** How much of an open message somebody has: lengths in UTF-16 units, and the number of the last notice. */
export interface Known {
  text: number;
  reasoning: number;
  notice: number;
}

export const nothingKnown: Known = { text: 0, reasoning: 0, notice: 0 };

/** A message while it is written, with the last that was noticed beside it, of each call and server. */
export class OpenMessage implements Words {
  text = "";
  reasoning = "";
  readonly #notices = new Map<string, { number: number; notice: Notice }>();
  #lastNotice = 0;

  constructor(
    readonly place: Place,
    /** Why the try before this one is void. */
    readonly reason?: string,
  ) {}

  /** The message that is open once this has happened where it is written: this one, or the next. */
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

  /** A notice that is older than what is known is forgotten. */
  notice(notice: Notice, number: number): void {
    const key = notice.type === "tool_progress" ? `call ${notice.callId}` : `server ${notice.server}`;
    if (number <= (this.#notices.get(key)?.number ?? 0)) return;
    this.#notices.set(key, { number, notice });
    this.#lastNotice = Math.max(this.#lastNotice, number);
  }

  /** In their order. */
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

/** Below 0 when the first is before the second. */
export function compare(one: Place, other: Place): number {
  return one.after - other.after || one.fence - other.fence || one.attempt - other.attempt;
}

export function samePlace(one: Place, other: Place): boolean {
  return one.turnId === other.turnId && compare(one, other) === 0;
}

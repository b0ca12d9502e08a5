import type { EventStore } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";

interface StreamEvent {
  owner: SessionEvents;
  stream: string;
  /** The message as JSON. */
  text: string;
}

/** Memory that an event takes in addition to its text, as a number of characters. */
const eventChars = 200;

/**
 * Maximum size of the unanswered requests of all sessions, in characters. A call takes about four times its size until its server has
 * answered.
 */
const mostUnansweredChars = 64 * 1024 * 1024;

/**
 * Events that were sent on the streams of all sessions, kept for clients that reconnect. The oldest events are dropped when the limit is
 * exceeded.
 */
export class StreamEvents {
  /** Size of the requests of all sessions that have not been answered, in characters. */
  unansweredChars = 0;
  readonly #mostChars: number;
  readonly #events = new Map<string, StreamEvent>();
  #chars = 0;
  #lastId = 0;

  constructor(mostChars: number) {
    this.#mostChars = mostChars;
  }

  add(event: StreamEvent): string {
    const id = String(++this.#lastId);
    this.#events.set(id, event);
    this.#chars += event.text.length + eventChars;
    for (const oldest of this.#events.keys()) {
      if (this.#chars <= this.#mostChars) break;
      this.#delete(oldest);
    }
    return id;
  }

  find(owner: SessionEvents, id: string): StreamEvent | undefined {
    const event = this.#events.get(id);
    return event?.owner === owner ? event : undefined;
  }

  /** Yields the later events of the event's stream, in order. `id` is the id of the event. */
  *after({ owner, stream }: StreamEvent, id: string): Generator<[id: string, text: string]> {
    for (const [other, event] of this.#events) {
      if (Number(other) > Number(id) && event.owner === owner && event.stream === stream) yield [other, event.text];
    }
  }

  forget(owner: SessionEvents): void {
    for (const [id, event] of this.#events) if (event.owner === owner) this.#delete(id);
  }

  #delete(id: string): void {
    this.#chars -= (this.#events.get(id)?.text.length ?? 0) + eventChars;
    this.#events.delete(id);
  }
}

/** Events of one session, as the SDK's transport needs them. An event of another session is treated as unknown. */
export class SessionEvents implements EventStore {
  /** Sizes of the requests that have not been answered, in characters. */
  readonly #unanswered = new Map<RequestId, number>();
  readonly #all: StreamEvents;

  constructor(all: StreamEvents) {
    this.#all = all;
  }

  isUnanswered(id: RequestId): boolean {
    return this.#unanswered.has(id);
  }

  /**
   * Records requests that were sent together in a message of this size. Returns false, and records nothing, if the unanswered requests of all
   * sessions would become too large. Requests that arrive while nothing else is unanswered always have room.
   */
  asked(ids: readonly RequestId[], chars: number): boolean {
    if (ids.length === 0) return true;
    if (this.#all.unansweredChars > 0 && this.#all.unansweredChars + chars > mostUnansweredChars) return false;
    const share = Math.ceil(chars / ids.length);
    for (const id of ids) this.#unanswered.set(id, share);
    this.#all.unansweredChars += share * ids.length;
    return true;
  }

  answered(id: RequestId): void {
    this.#all.unansweredChars -= this.#unanswered.get(id) ?? 0;
    this.#unanswered.delete(id);
  }

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) this.answered(message.id ?? "");
    return this.#all.add({ owner: this, stream, text: JSON.stringify(message) });
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    let stream = "";
    let last = lastEventId;
    // Events that are stored during the replay are not sent on any stream yet, so the loop runs until there are no more.
    for (let rest = this.since(last); rest; rest = this.since(last)) {
      stream = rest.stream;
      if (rest.events.length === 0) break;
      for (const [id, text] of rest.events) {
        await send(id, JSON.parse(text));
        last = id;
      }
    }
    return stream;
  }

  /**
   * Returns the stream of the event with this id, and the later events of that stream. Undefined if the event is unknown or was dropped.
   */
  since(lastEventId: string): { stream: string; events: [id: string, text: string][] } | undefined {
    const last = this.#all.find(this, lastEventId);
    return last && { stream: last.stream, events: [...this.#all.after(last, lastEventId)] };
  }

  forget(): void {
    for (const id of this.#unanswered.keys()) this.answered(id);
    this.#all.forget(this);
  }
}

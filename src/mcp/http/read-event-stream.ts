import type { Readable } from "node:stream";
import { createParser, type EventSourceMessage, type EventSourceParser } from "eventsource-parser";
import { EventSize } from "../../outbound/event-size.js";
import { longestMessage, messageIn, messagesOfServers, TooLong } from "./message-limits.js";

/**
 * Matches a chunk that is exactly one event. Most servers answer with one such chunk. Such a chunk is read without a parser, because
 * creating a parser costs more than the rest of the work on the answer.
 */
const oneEvent = /^(?:event: message\n)?data: ([^\r\n]+)\n\n$/;

interface EventSink {
  event(event: EventSourceMessage): void;
  /** Called with the delay that the server wants before a reconnect, in ms. */
  retry?(ms: number): void;
  /** Called once, when the stream has ended. `error` is set if the connection broke before the end. */
  ended(error?: Error): void;
}

/** Reads server-sent events from the body. If the stream ends normally, its last event counts even without the final blank line. */
export function readEvents(body: Readable, { event, retry, ended }: EventSink, all = messagesOfServers): void {
  let parser: EventSourceParser | undefined;
  let isFirst = true;
  const size = new EventSize();
  const message = messageIn(body, all);
  body.setEncoding("utf8");
  body.on("data", (text: string) => {
    const data = parser ? undefined : oneEvent.exec(text)?.[1];
    if (data) event({ data, event: undefined, id: undefined });
    else {
      all.resize(message, size.add(text));
      if (message.bytes > longestMessage) body.destroy(new TooLong());
      if (body.destroyed) return;
      parser ??= createParser({ onEvent: event, onRetry: retry });
      parser.feed(isFirst ? text.replace(/^\uFEFF/, "") : text);
    }
    isFirst = false;
  });
  body.once("end", () => {
    parser?.feed("\n\n");
    ended();
  });
  body.once("error", ended);
}

import type { Readable } from "node:stream";
import { createParser, type EventSourceMessage, type EventSourceParser, type ParseError } from "eventsource-parser";
import { longestMessage, TooLong } from "./exchange.js";

/** The form of most servers' answers. Creating a parser costs more than the rest of the work on such an answer. */
const oneEvent = /^(?:event: message\n)?data: ([^\r\n]+)\n\n$/;

interface EventSink {
  event(event: EventSourceMessage): void;
  /** Gets the delay that the server wants before a reconnect. */
  retry?(ms: number): void;
  /** Called once. `error` is set if the stream was cut. */
  ended(error?: Error): void;
}

/** Reads server-sent events. The last event of a complete stream counts even without its final blank line. */
export function readEvents(body: Readable, { event, retry, ended }: EventSink): void {
  let parser: EventSourceParser | undefined;
  let isFirst = true;
  const onError = ({ type }: ParseError) => {
    if (type === "max-buffer-size-exceeded") body.destroy(new TooLong());
  };
  body.setEncoding("utf8");
  body.on("data", (text: string) => {
    const data = parser ? undefined : oneEvent.exec(text)?.[1];
    if (data) event({ data, event: undefined, id: undefined });
    else {
      parser ??= createParser({ onEvent: event, onRetry: retry, onError, maxBufferSize: longestMessage });
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

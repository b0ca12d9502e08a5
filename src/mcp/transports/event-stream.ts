import type { Readable } from "node:stream";
import { createParser, type EventSourceMessage, type EventSourceParser, type ParseError } from "eventsource-parser";
import { longestMessage, TooLong } from "./exchange.js";

/** What most servers answer with. To set up a parser for it costs more than all else that is done with the answer. */
const oneEvent = /^(?:event: message\n)?data: ([^\r\n]+)\n\n$/;

interface EventSink {
  event(event: EventSourceMessage): void;
  /** How long the server wants to be left alone before the stream is asked for again. */
  retry?(ms: number): void;
  /** Once. `error` where the stream was cut. */
  ended(error?: Error): void;
}

/** Server-sent events, by callbacks. The last one of a whole stream counts also where the server did not end it with a blank line. */
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

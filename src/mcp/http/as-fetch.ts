import { pipeline, Readable, Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createParser } from "eventsource-parser";
import type { ArrivingMessages } from "../../core/async/arriving-messages.js";
import { hasTooManyValues, tooManyValues } from "../../core/json.js";
import { EventSize } from "../../outbound/event-size.js";
import {
  beginningOfRefusal,
  discard,
  type HttpAnswer,
  type HttpRequest,
  isOk,
  mediaTypeOf,
  type SendRequest,
} from "./http-request.js";
import { longestMessage, messageIn, messagesOfServers, TooLong } from "./message-limits.js";

const withoutBody = [204, 205, 304];
const formHeaders = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" };

/**
 * Returns a `fetch` that sends requests with `send`. It is for the parts of the SDK that accept only a `fetch`: its HTTP+SSE transport and
 * its OAuth. A body must be a string or a form. `longest` is the maximum size in bytes of a body or, in an event stream, of one event. Of a
 * refusal, only the beginning is read.
 */
export function asFetch(send: SendRequest, longest = longestMessage, all = messagesOfServers): FetchLike {
  return async (url, { method = "GET", headers, body, signal } = {}) => {
    const isForm = body instanceof URLSearchParams;
    const answer = await send({
      method: method as HttpRequest["method"],
      url: new URL(url),
      headers: { ...(isForm && formHeaders), ...Object.fromEntries(new Headers(headers)) },
      body: isForm || typeof body === "string" ? String(body) : undefined,
      signals: signal ? [signal] : [],
    });
    const { status, statusText } = answer;
    const list = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const init = { status, statusText, headers: list };
    if (withoutBody.includes(status)) {
      discard(answer);
      return new Response(null, init);
    }
    if (!isOk(answer)) return new Response(await beginningOfRefusal(answer), init);
    return new Response(Readable.toWeb(limited(answer, longest, all)) as ReadableStream<Uint8Array>, init);
  };
}

/**
 * Returns the body of an answer with a size limit, because readers of a body keep a whole message in memory. The body fails with TooLong if
 * it exceeds the limit. In an event stream, the limit applies to each event, and so does the limit of values in JSON. The events are read
 * with the parser of the SDK's transport, so that what is counted is what the transport parses.
 */
function limited(answer: HttpAnswer, longest: number, all: ArrivingMessages): Readable {
  const isStream = mediaTypeOf(answer) === "text/event-stream";
  const message = messageIn(answer.body, all);
  const size = new EventSize();
  let hasTooMany = false;
  const events = createParser({ onEvent: ({ data }) => (hasTooMany ||= hasTooManyValues(data)) });
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (isStream) {
        // A character may be split between chunks. Line ends, brackets, commas and quotes are the same in latin1.
        const text = chunk.toString("latin1");
        all.resize(message, size.add(text));
        events.feed(text);
      } else all.add(message, chunk.length);
      if (hasTooMany) done(new Error(`the server sent a message of ${tooManyValues}`));
      else done(message.bytes > longest ? new TooLong(longest) : null, chunk);
    },
  });
  return pipeline(answer.body, limit, () => {});
}

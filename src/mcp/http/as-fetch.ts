import { pipeline, Readable, Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createParser } from "eventsource-parser";
import { hasTooManyValues, tooManyValues } from "../../core/json.js";
import { largest } from "../../core/lists/long-lists.js";
import {
  beginningOfRefusal,
  discard,
  type HttpAnswer,
  type HttpRequest,
  isOk,
  longestMessage,
  mediaTypeOf,
  type SendRequest,
  TooLong,
} from "./exchange.js";

const withoutBody = [204, 205, 304];
const formHeaders = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" };

/**
 * Returns a `fetch` that sends requests with `send`. It is for the parts of the SDK that accept only a `fetch`: its HTTP+SSE transport and
 * its OAuth. A body must be a string or a form. `longest` is the maximum size in bytes of a body or, in an event stream, of one event. Of a
 * refusal, only the beginning is read.
 */
export function asFetch(send: SendRequest, longest = longestMessage): FetchLike {
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
    return new Response(Readable.toWeb(limited(answer, longest)) as ReadableStream<Uint8Array>, init);
  };
}

/**
 * Returns the body of an answer with a size limit, because readers of a body keep a whole message in memory. The body fails with TooLong if
 * it exceeds the limit. In an event stream, the limit applies to each event, and so do the limits of lines and of values in JSON. The events
 * are read with the parser of the SDK's transport, so that what is counted is what the transport parses.
 */
function limited(answer: HttpAnswer, longest: number): Readable {
  const isStream = mediaTypeOf(answer) === "text/event-stream";
  let bytes = 0;
  /** The number of lines of the current event. */
  let lines = 0;
  let hasTooMany = false;
  const events = createParser({ onEvent: ({ data }) => (hasTooMany ||= hasTooManyValues(data)) });
  /** The last bytes of the earlier chunks. The blank line that ends an event may be split between chunks. */
  let end = "";
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (isStream) {
        // A character may be split between chunks. Brackets, commas and quotes are the same in latin1.
        const added = chunk.toString("latin1");
        events.feed(added);
        const text = end + added;
        const blank = largest(blankLines.map((line) => text.lastIndexOf(line)));
        if (blank >= 0) {
          bytes = text.length - blank;
          lines = 0;
        }
        lines += text.slice(Math.max(blank, end.length)).match(/\r\n?|\n/g)?.length ?? 0;
        end = text.slice(-3);
      }
      if (hasTooMany) done(new Error(`the server sent a message of ${tooManyValues}`));
      else if (lines > mostLines) done(new Error("the server sent a message of more than 1,000,000 lines"));
      else done(bytes > longest ? new TooLong(longest) : null, chunk);
    },
  });
  return pipeline(answer.body, limit, () => {});
}

/** Maximum number of lines in an event. A parser of events takes 64 bytes of memory for each line, even if the line is `data:x`. */
const mostLines = 1_000_000;

const blankLines = ["\n\n", "\r\r", "\r\n\r\n"];

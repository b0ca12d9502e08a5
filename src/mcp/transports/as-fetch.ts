import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { discard, type Exchange, type HttpRequest } from "./exchange.js";

const withoutBody = [204, 205, 304];

/** For the SDK's transport of HTTP+SSE, which knows no other way out. It follows redirects itself. */
export function asFetch(send: Exchange): FetchLike {
  return async (url, { method = "GET", headers, body, signal } = {}) => {
    const answer = await send({
      method: method as HttpRequest["method"],
      url: new URL(url),
      headers: Object.fromEntries(new Headers(headers)),
      body: typeof body === "string" ? body : undefined,
      signals: signal ? [signal] : [],
    });
    const { status, statusText } = answer;
    const list = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
    const init = { status, statusText, headers: list };
    if (!withoutBody.includes(status))
      return new Response(Readable.toWeb(answer.body) as ReadableStream<Uint8Array>, init);
    discard(answer);
    return new Response(null, init);
  };
}

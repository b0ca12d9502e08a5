import { type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";
import { Readable } from "node:stream";
import { AxiosError, type AxiosResponse, CanceledError, type InternalAxiosRequestConfig } from "axios";
import { LlmError } from "../core/errors.js";
import type { ModelAnswer } from "../core/tape.js";
import { decoded } from "../outbound/decoded.js";
import { respectKeepAlive } from "../outbound/pool.js";
import { readUpTo } from "./body.js";
import type { Headers } from "./hints.js";
import type { RequestBody } from "./request-body.js";
import type { Route } from "./routes.js";

/** Response headers have come, with a 2xx status; the body is ours to read, for streamed and whole answers alike. */
export interface Response {
  headers: Headers;
  data: Readable;
}

/** A whole conversation with images fits; what does not would be refused by the provider anyway. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ERROR_TIME_MS = 2000;

/**
 * The wire, for one attempt: part of what the instance's adapter does. axios' own adapter costs as much again as the request itself, and
 * leaves to us what it does differently for streams: a timeout that ends with the headers, bodies of errors, cancelling.
 * Resolves with the response headers, whatever the status. Rejects with what the socket threw.
 */
export async function send(
  config: InternalAxiosRequestConfig,
  { route, headers }: { route: Route; headers: Record<string, string> },
  keepaliveExpiryMs: number,
  onSent?: () => void,
): Promise<ModelAnswer> {
  const { timeout = 0, signal } = config;
  const sent = config.data as RequestBody;
  if (sent.length > MAX_BODY_BYTES) throw new AxiosError("the request is too large", "ERR_FR_MAX_BODY_LENGTH_EXCEEDED");
  // As a list they are written as they are; as an object each would be checked twice, and kept.
  const list = ["Content-Length", String(sent.length)];
  for (const name in headers) list.push(name, headers[name] ?? "");
  const { protocol, host, port, path, agent } = route;
  const request = openRequest({ protocol, host, port, path, agent, headers: list, method: "POST" });
  const answered = headersOf(request, timeout, signal as AbortSignal);
  if (onSent) request.once("finish", onSent);
  // Written by themselves they are one string for as long as the stream lasts; before a text they stay the dozens that they were made of.
  request.flushHeaders();
  for (const text of sent.texts.slice(0, -1)) request.write(text, sent.encoding);
  request.end(sent.texts.at(-1), sent.encoding);
  const incoming = await answered.catch((error: SocketError) => {
    throw Object.assign(error, { reusedSocket: request.reusedSocket });
  });
  respectKeepAlive(incoming, keepaliveExpiryMs);
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: decoded(incoming) };
}

/**
 * The other part: resolves with the headers of a 2xx, its body a stream. Rejects with an AxiosError, the body of an error read to its end,
 * since one that nobody reads holds its pooled connection for ever; and it says what went wrong. What is no error of a wire stays as it is.
 */
export async function received(
  config: InternalAxiosRequestConfig,
  answering: Promise<ModelAnswer>,
): Promise<AxiosResponse<Response>> {
  const { status, headers, body } = await answering.catch((error: SocketError) => {
    if (error instanceof LlmError) throw error;
    throw AxiosError.from(error, error.code, config, { reusedSocket: error.reusedSocket });
  });
  const stream = body instanceof Readable ? body : Readable.from(body);
  const statusText = "";
  // axios hands `data` on as it is; the headers it would copy several times.
  if (status >= 200 && status < 300)
    return { status, statusText, headers: {}, config, data: { headers, data: stream } };
  const data = await readUpTo(stream, MAX_ERROR_BYTES, MAX_ERROR_TIME_MS);
  const response = { status, statusText, headers: headers as AxiosResponse["headers"], config, data };
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
}

interface SocketError extends NodeJS.ErrnoException {
  /** It was a pooled one. */
  reusedSocket?: boolean;
}

/** Listens for as long as the answer lasts, and so holds on to as little as it can. */
function headersOf(request: ClientRequest, timeoutMs: number, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let broken: ClientRequest | IncomingMessage = request;
    const abort = () => broken.destroy(new CanceledError());
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error("no headers in time"), { code: AxiosError.ECONNABORTED }));
    }, timeoutMs);
    const release = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    request.once("response", (incoming) => {
      clearTimeout(timer);
      broken = incoming.once("close", release);
      resolve(incoming);
    });
    request.on("error", (error) => {
      release();
      reject(error);
    });
    if (signal.aborted) abort();
  });
}

import { type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";
import { Readable } from "node:stream";
import { AxiosError, AxiosHeaders, type AxiosResponse, CanceledError, type InternalAxiosRequestConfig } from "axios";
import type { CallSignal } from "../../core/call-signal.js";
import { LlmError } from "../../core/errors.js";
import type { ModelAnswer } from "../../core/tape.js";
import { decoded } from "../../outbound/decoded.js";
import { respectKeepAlive } from "../../outbound/pool.js";
import { readUpTo } from "../answer/body.js";
import type { RequestBody } from "../wires/shared/request-body.js";
import type { Headers } from "./hints.js";
import type { Route } from "./routes.js";

/** Response headers have come, with a 2xx status; the body is ours to read, for streamed and whole answers alike. */
export interface Response {
  headers: Headers;
  data: Readable;
}

/** One attempt of a call, on its way out. */
interface Outgoing {
  route: Route;
  /** Names and values in turn: as an object each would be checked twice, and kept. */
  headers: string[];
  body: RequestBody;
  isStream: boolean;
  /** Until the response headers. */
  timeoutMs: number;
  keepaliveExpiryMs: number;
  signal: CallSignal;
  onSent?: (() => void) | undefined;
}

/** A whole conversation with images fits; what does not would be refused by the provider anyway. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ERROR_TIME_MS = 2000;

/** axios has its headers in an object of their own, which it would make for every answer. */
const noHeaders = new AxiosHeaders();

/**
 * The wire, for one attempt: part of what the instance's adapter does. axios' own adapter costs as much again as the request itself, and
 * leaves to us what it does differently for streams: a timeout that ends with the headers, bodies of errors, cancelling.
 * Resolves with the response headers, whatever the status. Rejects with what the socket threw.
 */
export function send(outgoing: Outgoing): Promise<ModelAnswer> {
  const { route, headers, body, isStream } = outgoing;
  if (body.length > MAX_BODY_BYTES) throw new AxiosError("the request is too large", "ERR_FR_MAX_BODY_LENGTH_EXCEEDED");
  const { protocol, host, port, path, agent } = route;
  const request = openRequest({ protocol, host, port, path, agent, headers, method: "POST" });
  const answered = answerTo(request, outgoing);
  if (outgoing.onSent) request.on("finish", outgoing.onSent);
  // Written by themselves they are one string for as long as a stream lasts; before a text they stay the dozens that they were made of.
  if (isStream) request.flushHeaders();
  const { texts, encoding } = body;
  const last = texts.length - 1;
  for (let place = 0; place < last; place++) request.write(texts[place], encoding);
  request.end(texts[last], encoding);
  return answered;
}

/**
 * The other part: resolves with the headers of a 2xx, its body a stream. Rejects with an AxiosError, the body of an error read to its end,
 * since one that nobody reads holds its pooled connection for ever; and it says what went wrong. What is no error of a wire stays as it is.
 */
export function received(
  config: InternalAxiosRequestConfig,
  answering: Promise<ModelAnswer>,
): Promise<AxiosResponse<Response>> {
  return answering.then(
    (answer) => {
      const { status, body } = answer;
      const stream = body instanceof Readable ? body : Readable.from(body);
      if (status < 200 || status >= 300) return refused(config, answer, stream);
      // axios hands `data` on as it is; the headers it would copy several times.
      return { status, statusText: "", headers: noHeaders, config, data: new Answered(answer, stream) };
    },
    (error: SocketError) => {
      if (error instanceof LlmError) throw error;
      throw AxiosError.from(error, error.code, config, { reusedSocket: error.reusedSocket });
    },
  );
}

async function refused(config: InternalAxiosRequestConfig, answer: ModelAnswer, stream: Readable): Promise<never> {
  const { status } = answer;
  const data = await readUpTo(stream, MAX_ERROR_BYTES, MAX_ERROR_TIME_MS);
  const headers = answer.headers as AxiosResponse["headers"];
  const response = { status, statusText: "", headers, config, data };
  throw new AxiosError(`status ${status}`, AxiosError.ERR_BAD_RESPONSE, config, undefined, response);
}

class Answered implements Response {
  readonly #answer: ModelAnswer;

  constructor(
    answer: ModelAnswer,
    readonly data: Readable,
  ) {
    this.#answer = answer;
  }

  get headers(): Headers {
    return this.#answer.headers;
  }
}

/** Its headers are not looked at before somebody asks for them. */
class WireAnswer implements ModelAnswer {
  readonly #incoming: IncomingMessage;
  readonly body: Readable;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.body = decoded(incoming);
  }

  get status(): number {
    return this.#incoming.statusCode ?? 0;
  }

  get headers(): IncomingMessage["headers"] {
    return this.#incoming.headers;
  }
}

interface SocketError extends NodeJS.ErrnoException {
  /** It was a pooled one. */
  reusedSocket?: boolean;
}

/** Without an answer, and without an error of the socket. */
class SocketClosed extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the connection was closed instead of an answer");
  }
}

type Listening = Pick<Outgoing, "timeoutMs" | "keepaliveExpiryMs" | "signal">;

/** Listens for as long as the answer lasts, and so holds on to as little as it can. */
function answerTo(request: ClientRequest, { timeoutMs, keepaliveExpiryMs, signal }: Listening): Promise<ModelAnswer> {
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
    request.on("response", (incoming) => {
      clearTimeout(timer);
      broken = incoming.on("close", release);
      respectKeepAlive(incoming, keepaliveExpiryMs);
      resolve(new WireAnswer(incoming));
    });
    const fail = (error: Error) => {
      release();
      reject(Object.assign(error, { reusedSocket: request.reusedSocket }));
    };
    request.on("error", fail);
    // Of an answer that switches protocols, Node says nothing else.
    request.on("close", () => broken === request && fail(new SocketClosed()));
    if (signal.aborted) abort();
  });
}

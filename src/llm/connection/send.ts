import { type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";
import { Readable } from "node:stream";
import { AxiosError, AxiosHeaders, type AxiosResponse, CanceledError, type InternalAxiosRequestConfig } from "axios";
import { LlmError } from "../../core/errors.js";
import type { ModelAnswer } from "../../core/transports.js";
import { decoded, readUpTo } from "../../outbound/response.js";
import { respectKeepAlive } from "../../outbound/socket-pool.js";
import type { Headers } from "./hints.js";
import type { ProviderRoute } from "./provider-routes.js";

/** A 2xx response whose body is still to be read, streamed or whole. */
export interface Response {
  headers: Headers;
  data: Readable;
}

interface OutgoingRequest {
  route: ProviderRoute;
  /** Default: POST. */
  method?: "GET";
  /** Names and values, alternating. If headers were given as an object, Node would check them twice and keep them in memory. */
  headers: string[];
  /** `length` is in bytes. */
  body: { readonly text: string; readonly length: number; readonly encoding: BufferEncoding };
  isStream: boolean;
  /** Time limit for the response headers. */
  timeoutMs: number;
  keepaliveExpiryMs: number;
  signal: AbortSignal;
  onAnswered?: (() => void) | undefined;
}

/** Largest request body. A whole conversation with images fits, and a provider would refuse a larger body anyway. */
const maxBodyBytes = 32 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;
const maxErrorTimeMs = 2000;

/** Empty headers that all answers share. axios would otherwise create an object for each answer. */
const noHeaders = new AxiosHeaders();

/**
 * Sends one attempt; this is the first half of the axios adapter. Resolves with the response headers, whatever the status. Rejects with the
 * socket's error. axios' own adapter would double the cost of a request. It also lacks what streams need: a timeout that ends with the
 * headers, bodies of errors, cancelling.
 */
export function send(outgoing: OutgoingRequest): Promise<ModelAnswer> {
  const { route, method = "POST", headers, body, isStream } = outgoing;
  if (body.length > maxBodyBytes) throw new AxiosError("the request is too large", "ERR_FR_MAX_BODY_LENGTH_EXCEEDED");
  const { protocol, host, port, path, agent } = route;
  const request = openRequest({ protocol, host, port, path, agent, headers, method });
  const answered = answerTo(request, outgoing);
  if (outgoing.onAnswered) request.on("response", outgoing.onAnswered);
  // The headers are flushed separately. They are then kept as one string while the stream lasts; written together with the body, they would
  // be kept as dozens of pieces.
  if (isStream) request.flushHeaders();
  request.end(body.text, body.encoding);
  return answered;
}

/**
 * Converts the answer; this is the second half of the axios adapter. For a 2xx, resolves with the body as a stream. For another status,
 * reads the error's body and rejects with an AxiosError: a body left unread would hold its pooled connection forever. An LlmError is passed
 * on unchanged.
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
      // axios passes `data` on unchanged, so the headers are put into `data`. axios would copy `headers` several times.
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
  const data = await readUpTo(stream, maxErrorBytes, maxErrorTimeMs);
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

/** An answer whose headers are parsed only on access. */
class ReceivedAnswer implements ModelAnswer {
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
  reusedSocket?: boolean;
}

class SocketClosed extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the connection was closed instead of an answer");
  }
}

type Listening = Pick<OutgoingRequest, "timeoutMs" | "keepaliveExpiryMs" | "signal">;

/**
 * Resolves with the answer to the request. The listeners stay until the answer ends, so they are written to hold as little memory as
 * possible.
 */
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
      resolve(new ReceivedAnswer(incoming));
    });
    const fail = (error: Error) => {
      release();
      reject(Object.assign(error, { reusedSocket: request.reusedSocket }));
    };
    request.on("error", fail);
    // If an answer switches protocols, `close` is the only event that Node emits.
    request.on("close", () => broken === request && fail(new SocketClosed()));
    if (signal.aborted) abort();
  });
}

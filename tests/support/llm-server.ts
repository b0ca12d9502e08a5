import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/**
 * A model provider that does exactly what its script says, over a real socket, faults included.
 *
 *   await using server = await startLlmServer([failure(503), toolCalls([{ name: "add", arguments: { a: 2 } }]), answer("hi")]);
 *   // base_url: server.url; each step answers one request, streamed or whole as the request wants it
 *
 * A request without a step fails the test, and so does a step without a request, when the server is disposed of. A function
 * instead of the list answers any number of requests. With a certificate the server speaks https.
 */
export async function startLlmServer(
  script: readonly Step[] | ((request: LlmRequest) => Step),
  certificate?: { key: string; cert: string },
): Promise<LlmServer> {
  const steps = typeof script === "function" ? undefined : [...script];
  const requests: LlmRequest[] = [];
  const sockets = new Set<Socket>();
  const problems: string[] = [];
  const waiting: { count: () => number; target: number; resolve: () => void }[] = [];
  let connections = 0;
  let aborts = 0;
  const changed = () => {
    for (const { resolve } of waiting.filter(({ count, target }) => count() >= target)) resolve();
  };
  const reaches = (count: () => number, target: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ count, target, resolve });
      changed();
    });

  const models: object[] = [];
  const listener: RequestListener = (incoming, response) => {
    if (steps && incoming.method === "GET" && incoming.url?.split("?")[0]?.endsWith("/models")) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "list", data: models }));
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = JSON.parse(text || "{}") as LlmRequest["body"];
      const request = {
        at: Date.now(),
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        headers: incoming.headers,
        text,
        body,
      };
      requests.push(request);
      response.once("close", () => {
        if (!response.writableFinished && !faulted.has(response)) aborts++;
        changed();
      });
      const step = typeof script === "function" ? script(request) : steps?.shift();
      if (!step) problems.push(`unexpected request ${requests.length}: ${text.slice(0, 200)}`);
      (step ?? failure(400, { body: { error: { message: "unexpected request" } } }))(response, request);
      changed();
    });
  };
  let handshakes = 0;
  const http = certificate ? createTlsServer(certificate, listener) : createServer(listener);
  // Long, because on a busy machine Node's 5 s may pass between two requests of a test; the client would then send one request more.
  http.keepAliveTimeout = 60_000;
  http.on("secureConnection", () => handshakes++);
  http.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true).on("error", () => {});
    socket.once("close", () => {
      sockets.delete(socket);
      changed();
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    url: `${certificate ? "https" : "http"}://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    requests,
    models,
    get connections() {
      return connections;
    },
    get handshakes() {
      return handshakes;
    },
    get openSockets() {
      return sockets.size;
    },
    get aborts() {
      return aborts;
    },
    received: (count) => reaches(() => requests.length, count),
    aborted: (count) => reaches(() => aborts, count),
    idle: () => reaches(() => -sockets.size, 0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
      if (steps && steps.length > 0) problems.push(`${steps.length} step(s) of the script were not used`);
      if (problems.length > 0) throw new Error(`LLM server: ${problems.join("; ")}`);
    },
  };
}

export interface LlmServer extends AsyncDisposable {
  /** The provider's list of models. A request for it takes no step of a script that is a list. */
  models: object[];
  /** The `base_url` to configure. */
  url: string;
  /** Requests in order of arrival. */
  requests: LlmRequest[];
  /** Number of TCP connections accepted so far. */
  readonly connections: number;
  /** Number of TLS handshakes completed so far. */
  readonly handshakes: number;
  readonly openSockets: number;
  /** Number of responses that the client broke off. */
  readonly aborts: number;
  /** Resolves when that many requests have arrived. */
  received(count: number): Promise<void>;
  /** Resolves when the client has broken off that many responses. */
  aborted(count: number): Promise<void>;
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

export interface LlmRequest {
  /** Time of arrival, in ms since the epoch. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The body as received. */
  text: string;
  body: {
    model?: string;
    stream?: boolean;
    messages?: WireMessage[];
    tools?: { function: { name: string } }[];
    [key: string]: unknown;
  };
}

interface WireMessage {
  role: string;
  content?: unknown;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
  [key: string]: unknown;
}

/** Answers one request. Any function will do; the functions below cover the usual behaviour of providers. */
export type Step = (response: ServerResponse, request: LlmRequest) => void;

interface AnswerOptions {
  usage?: object;
  finishReason?: string;
  reasoning?: string;
}

/** Returns a complete answer in the requested form: one JSON document, or a stream with a delta for each word. */
export function answer(
  text: string,
  { usage = sampleUsage, finishReason = "stop", reasoning }: AnswerOptions = {},
): Step {
  const words = text.match(/\s*\S+/g) ?? [];
  return message(
    { content: text, ...(reasoning ? { reasoning_content: reasoning } : {}) },
    [...(reasoning ? [{ reasoning_content: reasoning }] : []), ...words.map((content) => ({ content }))],
    { usage, finishReason },
  );
}

/** Returns a complete answer that calls tools: ids `call_1`, `call_2`, … unless given; a stream sends the arguments in two pieces. */
export function toolCalls(
  calls: readonly { name: string; arguments: unknown; id?: string }[],
  { usage = sampleUsage, finishReason = "tool_calls" }: AnswerOptions = {},
): Step {
  const wire = calls.map(({ id, name, arguments: value }, index) => ({
    index,
    id: id ?? `call_${index + 1}`,
    type: "function",
    function: { name, arguments: typeof value === "string" ? value : JSON.stringify(value) },
  }));
  const pieces = wire.flatMap(({ index, function: { name, arguments: text }, ...rest }) => {
    const middle = Math.ceil(text.length / 2);
    return [
      { tool_calls: [{ index, ...rest, function: { name, arguments: text.slice(0, middle) } }] },
      { tool_calls: [{ index, function: { arguments: text.slice(middle) } }] },
    ];
  });
  return message({ content: null, tool_calls: wire.map(({ index: _, ...call }) => call) }, pieces, {
    usage,
    finishReason,
  });
}

const sampleUsage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function message(whole: object, deltas: readonly object[], { usage, finishReason }: AnswerOptions): Step {
  const document = {
    choices: [{ index: 0, message: { role: "assistant", ...whole }, finish_reason: finishReason }],
    usage,
  };
  const events = [{ role: "assistant", content: "" }, ...deltas].map((delta) => chunk(delta));
  const end = [chunk({}, finishReason), { choices: [], usage }, "data: [DONE]\n\n"];
  return (response, request) => (request.body.stream ? stream([...events, ...end]) : json(document))(response, request);
}

/** Returns one `chat.completion.chunk`. */
export function chunk(delta: object, finishReason: string | null = null): object {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
}

/** Returns a JSON document with status 200. */
export function json(document: unknown, headers: Record<string, string> = {}): Step {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(typeof document === "string" ? document : JSON.stringify(document));
  };
}

/** Returns an HTTP error. The default body has OpenAI's shape. */
export function failure(
  status: number,
  {
    body = { error: { message: `failure ${status}` } },
    headers = {},
  }: { body?: unknown; headers?: Record<string, string> } = {},
): Step {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** The next item of a stream: a JSON event, raw bytes, or an action on the connection. */
export type Piece = object | string | Buffer | Fault;
type Fault = (response: ServerResponse) => void | Promise<void>;

const faulted = new WeakSet<ServerResponse>();

function fault(act: (response: ServerResponse) => void): Fault {
  return (response) => {
    faulted.add(response);
    // Waits, so that earlier writes arrive first.
    return new Promise((resolve) => setImmediate(() => resolve(act(response))));
  };
}

/** FIN in the middle of the body. */
export const cutStream: Fault = fault((response) => void response.socket?.end());
/** RST of the connection. */
export const reset: Fault = fault((response) => void response.socket?.resetAndDestroy());
/** Silence on an open connection. */
export const stall: Fault = () => new Promise<void>(() => {});
/** A clean end of the body before the last piece. */
export const end: Fault = (response) => void response.end();

/**
 * Returns a 200 stream of the pieces, each in its own write, that ends cleanly. `splitAt` cuts the whole into pieces of that many bytes
 * instead; `headers` replace the usual ones.
 */
export function stream(
  pieces: readonly Piece[],
  { splitAt, headers = {} }: { splitAt?: number; headers?: Record<string, string> } = {},
): Step {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream", ...headers });
    response.flushHeaders();
    for (const piece of splitAt ? resliced(pieces, splitAt) : pieces) {
      if (response.destroyed) return;
      if (typeof piece === "function") await piece(response);
      else await new Promise((resolve) => response.write(bytes(piece), resolve));
    }
    response.end();
  };
}

/** Acts on the connection before any response header. */
export function beforeHeaders(act: Fault): Step {
  return (response) => void act(response);
}

/** Answers with `step` after `release` is called. */
export function held(step: Step): { step: Step; release: () => void } {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { step: (...exchange) => void released.then(() => step(...exchange)), release };
}

/** Pauses between two pieces. */
export function pause(milliseconds: number): Fault {
  return () => new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function bytes(piece: Exclude<Piece, Fault>): Buffer {
  if (Buffer.isBuffer(piece)) return piece;
  return Buffer.from(typeof piece === "string" ? piece : `data: ${JSON.stringify(piece)}\n\n`);
}

function resliced(pieces: readonly Piece[], size: number): Piece[] {
  const whole = Buffer.concat(pieces.flatMap((piece) => (typeof piece === "function" ? [] : [bytes(piece)])));
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
    whole.subarray(index * size, (index + 1) * size),
  );
}

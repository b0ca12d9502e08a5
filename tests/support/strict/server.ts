import { randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Bill, billOf, type Hop, type Price } from "./bill.js";
import { type Accounting, PrefixCache } from "./prefix-cache.js";
import { isJson, type Json, Refusal } from "./refusal.js";
import type { Answer, Break, Failure, FailureKind, Script, Seen } from "./script.js";

export interface MockOptions {
  /** Keys that the vendor knows, each with its account. Default: every key is valid and has an account of its own. */
  keys?: Record<string, string>;
  /** Number of input tokens (bytes / 4) above which a request is refused as too long. Default: the model's own window. */
  contextWindow?: number;
  /**
   * True if Anthropic's look-back counts each block as a position, as in the vendor's clouds. Otherwise a run of calls or of results counts
   * as one, as on the Claude API.
   */
  countsEachBlock?: boolean;
  /** Clock of the cache entries, in ms. */
  now?: () => number;
}

/** Services that a wire can use. */
export interface Vendor {
  cache: PrefixCache;
  now: () => number;
  contextWindow: number | undefined;
  countsEachBlock: boolean;
  /** Returns the account of a key, or throws the caller's refusal for a wrong key. */
  account(key: string, refusal: () => Refusal): string;
  /** Makes an id that no other mock has made: `rs_0f3a…`. */
  newId(prefix: string, length?: number): string;
  /** Makes opaque bytes in base64, as long as the vendors' own. */
  newSeal(prefix: string): string;
}

export interface HttpRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  text: string;
  body: Json;
}

/** A wire of a vendor: it checks requests and formats answers. Its methods may throw `Refusal`. */
export interface MockWire {
  takes(request: HttpRequest): boolean;
  /** Checks a request for a completion, or returns the answer to another request (a list of models). */
  receive(request: HttpRequest): Accepted | Reply;
  refuse(refusal: Refusal): Reply;
  fail(failure: Failure): Reply;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** A JSON value, or a string that is sent as text. */
  reply: object | string;
}

export interface Accepted {
  model: string;
  account: string;
  isStreamed: boolean;
  seen: Omit<Seen, "hop" | "body">;
  input: Accounting;
  lostReasoning: string[];
  warnings: string[];
  headers: Record<string, string>;
  render(answer: Answer): Rendered;
  /** Returns the framed error event for a stream that has begun. */
  errorEvent(kind: FailureKind, how: Break["how"]): string;
}

export interface Rendered {
  whole: object;
  events: WireEvent[];
  /** All output tokens with reasoning. */
  output: number;
  reasoning: number;
}

/** A framed event and the part of the answer that it belongs to. A script breaks an answer at such a part. */
export interface WireEvent {
  text: string;
  stage: "frame" | "reasoning" | "text" | "call" | "closing";
}

export interface StrictMock extends AsyncDisposable {
  /** The `base_url` to configure, with the version of the wire. */
  url: string;
  /** Scheme, host and port. */
  origin: string;
  /** All requests in order of arrival, with the refused ones. */
  requests: HttpRequest[];
  /** Refusals in order. */
  refusals: Refusal[];
  /** Accepted requests that were answered, with their tokens. */
  hops: Hop[];
  /** Adds up all hops, or the given ones. */
  bill(price: Price, hops?: readonly Hop[]): Bill;
  /** Resolves when that many requests have arrived. */
  received(count: number): Promise<void>;
  /** Resolves when the client has broken off that many responses. */
  aborted(count: number): Promise<void>;
}

/** Starts a vendor on loopback. Disposal fails if steps are left over or a request had no step. */
export async function startVendor(
  version: string,
  wiresOf: (vendor: Vendor) => MockWire[],
  script: Script,
  options: MockOptions,
): Promise<StrictMock> {
  const steps = typeof script === "function" ? undefined : [...script];
  const now = options.now ?? Date.now;
  const wires = wiresOf(vendorOf(options, now));
  const requests: HttpRequest[] = [];
  const refusals: Refusal[] = [];
  const hops: Hop[] = [];
  const problems: string[] = [];
  const sockets = new Set<Socket>();
  const waiters = new Waiters();
  let accepted = 0;
  let aborts = 0;

  const answer = (request: HttpRequest, isObject: boolean, response: ServerResponse) => {
    const wire = wires.find((one) => one.takes(request)) ?? noWire;
    let ready: Accepted | Reply;
    try {
      if (!isObject) throw new Refusal("We could not parse the JSON body of your request.");
      ready = wire.receive(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error);
      return reply(response, wire.refuse(error));
    }
    if ("reply" in ready) return reply(response, ready);
    const seen = { ...ready.seen, hop: accepted++, body: request.body };
    const next = typeof script === "function" ? script(seen) : steps?.shift();
    const step = typeof next === "function" ? next(seen) : next;
    if (!step) {
      problems.push(`request ${requests.length} has no step: ${request.text.slice(0, 200)}`);
      return reply(response, wire.refuse(new Refusal("the script of the mock has ended")));
    }
    if ("fails" in step) return reply(response, wire.fail(step));
    const isError = step.breaks?.how === "error" || step.breaks?.how === "failed";
    if (isError && !ready.isStreamed) return reply(response, wire.fail({ fails: step.breaks?.error ?? "overloaded" }));
    const rendered = ready.render(step);
    const { model, account, lostReasoning, warnings } = ready;
    const hop: Hop = {
      ...ready.input.tokens,
      writtenTwice: 0,
      model,
      account,
      lostReasoning,
      warnings,
      output: 0,
      reasoning: 0,
      isWhole: false,
    };
    hops.push(hop);
    const { output, reasoning } = rendered;
    const progress = {
      begins: () => Object.assign(hop, { writtenTwice: ready.input.commit() }),
      isWhole: () => Object.assign(hop, { output, reasoning, isWhole: true }),
    };
    return ready.isStreamed
      ? stream(response, ready, rendered, step.breaks, progress)
      : whole(response, ready, rendered, step.breaks, progress);
  };

  const http = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const body = parsed(text);
      const request = {
        method: incoming.method ?? "",
        url: new URL(incoming.url ?? "/", "http://mock"),
        headers: incoming.headers,
        text,
        body: body ?? {},
      };
      requests.push(request);
      response.once("close", () => {
        if (!response.writableFinished && !broken.has(response)) aborts++;
        waiters.check();
      });
      Promise.resolve()
        .then(() => answer(request, body !== undefined, response))
        .catch((error: unknown) => {
          problems.push(String(error instanceof Error ? error.stack : error));
          response.destroy();
        });
      waiters.check();
    });
  });
  http.keepAliveTimeout = 60_000;
  http.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true).on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url: `${origin}/${version}`,
    origin,
    requests,
    refusals,
    hops,
    bill: (price, some = hops) => billOf(some, price),
    received: (count) => waiters.until(() => requests.length >= count),
    aborted: (count) => waiters.until(() => aborts >= count),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
      if (steps && steps.length > 0) problems.push(`${steps.length} step(s) of the script were not used`);
      if (problems.length > 0) throw new Error(`strict mock: ${problems.join("; ")}; refused: ${refusals.join("; ")}`);
    },
  };
}

/** Responses that the mock itself broke. */
const broken = new WeakSet<ServerResponse>();

class Waiters {
  #waiting: { test: () => boolean; resolve: () => void }[] = [];

  until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ test, resolve });
      this.check();
    });
  }

  check(): void {
    for (const { test, resolve } of this.#waiting) if (test()) resolve();
  }
}

function vendorOf({ keys, contextWindow, countsEachBlock = false }: MockOptions, now: () => number): Vendor {
  let made = 0;
  const instance = randomBytes(6).toString("hex");
  return {
    cache: new PrefixCache(now),
    now,
    contextWindow,
    countsEachBlock,
    account: (key, refusal) => {
      const account = keys ? keys[key] : key;
      if (!account) throw refusal();
      return account;
    },
    newId: (prefix, length = 24) => `${prefix}${instance}${String(made++).padStart(length - instance.length, "0")}`,
    newSeal: (prefix) => `${prefix}${randomBytes(280).toString("base64")}`,
  };
}

/** Returns a body that is a JSON object; the body of a GET is empty. */
function parsed(text: string): Json | undefined {
  try {
    const body: unknown = JSON.parse(text || "{}");
    return isJson(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Refuses paths that the vendor does not have. */
const noWire: MockWire = {
  takes: () => true,
  receive: ({ method, url }) => {
    throw new Refusal(`Invalid URL (${method} ${url.pathname})`, { status: 404 });
  },
  refuse: ({ status, message, type }) => ({ status, reply: { error: { message, type } } }),
  fail: ({ fails }) => {
    throw new Error(`there is no wire that could fail with ${fails}`);
  },
};

function reply(response: ServerResponse, { status, headers = {}, reply: body }: Reply): void {
  const isText = typeof body === "string";
  response
    .writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...headers })
    .end(isText ? body : JSON.stringify(body));
}

interface Progress {
  begins(): void;
  isWhole(): void;
}

/** Returns whether a break comes before this event. */
function isAt(at: Break["at"], events: readonly WireEvent[], index: number): boolean {
  const stage = events[index]?.stage;
  const before = events[index - 1]?.stage;
  if (at === "start") return index === 0;
  if (at === "before_text") return stage === "text" || stage === "call";
  if (at === "after_text") return before === "text";
  if (at === "in_call") return before === "call";
  return stage === "closing";
}

async function stream(
  response: ServerResponse,
  { headers, errorEvent }: Accepted,
  { events }: Rendered,
  breaks: Break | undefined,
  progress: Progress,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
  response.flushHeaders();
  let isPending = breaks !== undefined;
  for (const [index, event] of events.entries()) {
    if (breaks && isPending && isAt(breaks.at, events, index)) {
      isPending = false;
      if (breaks.how !== "stall")
        return breakOff(response, breaks, errorEvent(breaks.error ?? "overloaded", breaks.how));
      await stallOf(breaks);
    }
    // The client has left during a stall.
    if (response.destroyed) return;
    if (index === 0) progress.begins();
    response.write(event.text);
  }
  if (breaks && isPending) throw new Error(`the answer has no place ${breaks.at}`);
  progress.isWhole();
  response.end();
}

async function whole(
  response: ServerResponse,
  { headers }: Accepted,
  rendered: Rendered,
  breaks: Break | undefined,
  progress: Progress,
): Promise<void> {
  const body = JSON.stringify(rendered.whole);
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  });
  progress.begins();
  if (!breaks) {
    progress.isWhole();
    response.end(body);
    return;
  }
  response.write(body.slice(0, body.length / 2));
  if (breaks.how !== "stall") return breakOff(response, { ...breaks, how: "reset" }, "");
  await stallOf(breaks);
  if (response.destroyed) return;
  progress.isWhole();
  response.end(body.slice(body.length / 2));
}

const stallOf = ({ until = new Promise(() => {}) }: Break): Promise<unknown> =>
  typeof until === "function" ? until() : until;

function breakOff(response: ServerResponse, { how }: Break, errorEvent: string): void {
  broken.add(response);
  if (how === "error" || how === "failed") response.end(errorEvent);
  else if (how === "cut") response.end();
  // Destroyed only once earlier bytes are sent, or the client would see none of them.
  else response.write("", () => setImmediate(() => response.socket?.resetAndDestroy()));
}

/** Returns the header for a failure's `retryAfter`; no header for Gemini's form. */
export function retryHeaders({ retryAfter, headers }: Failure): Record<string, string> {
  if (!retryAfter || "body" in retryAfter) return { ...headers };
  if ("seconds" in retryAfter) return { "retry-after": String(retryAfter.seconds), ...headers };
  if ("date" in retryAfter) return { "retry-after": retryAfter.date.toUTCString(), ...headers };
  return { "retry-after-ms": String(retryAfter.milliseconds), ...headers };
}

/** Splits a text into deltas of a few characters, and never inside a character. */
export function pieces(text: string, size = 8): string[] {
  const characters = [...text];
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, index) =>
    characters.slice(index * size, (index + 1) * size).join(""),
  );
}

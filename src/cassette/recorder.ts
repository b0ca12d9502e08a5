/** Keeps what passes over the wires, as it passes. */
import { PassThrough, pipeline, Readable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { McpError } from "../core/errors.js";
import type {
  ModelAnswer,
  ModelExchange,
  ServerAnswer,
  ServerExchange,
  ServerFailure,
  ServerHello,
  ServerLife,
} from "../core/tape.js";
import { type Arrival, chunksOf } from "./chunks.js";
import { callsIn } from "./ending-order.js";
import {
  type CallEntry,
  type Entry,
  type Head,
  isRoutine,
  type Json,
  type ModelEntry,
  type TimedEvent,
} from "./format.js";
import { keptHeaders } from "./headers.js";
import { messagesOf, normalisedParams } from "./normalise.js";

/** The host goes by lists once it has all of a server's: they count from then on, and not from when each came. */
interface Listing {
  running: number;
  done: CallEntry[];
}

export class Recorder {
  readonly head: Head;
  /** Requests in the order they began, everything else where it ended. */
  readonly entries: Entry[];
  readonly #now: () => number;
  readonly #match: ModelEntry["match"];
  readonly #listings = new Map<string, Listing>();
  #ended: number;

  /** `before`: what there is already. `match`: of the entries to come. */
  constructor(
    now: () => number,
    before: { head: Head; entries: readonly Entry[] } = { head: { cassette: 1 }, entries: [] },
    match?: ModelEntry["match"],
  ) {
    this.#now = now;
    this.#match = match;
    this.head = { ...before.head };
    this.entries = [...before.entries];
    this.#ended = callsIn(before.entries).length;
  }

  async model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer> {
    const { provider, model, path, body, signal } = exchange;
    const asked = JSON.parse(body) as Json;
    const about = { llm: { provider, model, path }, ...(this.#match && { match: this.#match }) };
    const entry: ModelEntry = { ...about, request: this.#match ? messagesOf(asked) : asked, chunks: [] };
    this.entries.push(entry);
    const startedAt = this.#now();
    try {
      const answer = await send();
      const { status, headers } = answer;
      entry.response = { status, headers: keptHeaders(status, headers) };
      return { ...answer, body: this.#noting(answer, entry, startedAt) };
    } catch (error) {
      if (signal.aborted) this.#forget(entry);
      else entry.broken = brokenBy(error);
      throw error;
    }
  }

  async hello(
    server: string,
    life: ServerLife,
    connect: (life: ServerLife) => Promise<ServerHello>,
  ): Promise<ServerHello> {
    const between: ServerLife = {
      ...this.#noted(life, (event) => this.entries.push({ mcp: server, events: [event] })),
      closed: (reason) => life.closed(reason),
    };
    try {
      const hello = await connect(between);
      this.#addIfNew({ mcp: server, hello });
      return hello;
    } catch (error) {
      if (error instanceof McpError) this.#addIfNew({ mcp: server, hello: { failure: failureOf(error) } });
      throw error;
    }
  }

  async server(
    { server: mcp, method, params, signal }: ServerExchange,
    life: ServerLife,
    send: (life: ServerLife) => Promise<ServerAnswer>,
  ): Promise<ServerAnswer> {
    const entry: CallEntry = { mcp, method, params, ms: 0 };
    if (!isRoutine(method)) this.entries.push(entry);
    const listing = isRoutine(method) ? this.#listingOf(mcp) : undefined;
    if (listing) listing.running++;
    const events: TimedEvent[] = [];
    let lastAt = this.#now();
    const sinceLast = () => {
      const at = this.#now();
      const ms = Math.round(at - lastAt);
      lastAt = at;
      return ms;
    };
    try {
      const answer = await send(this.#noted(life, (event) => events.push(event), sinceLast));
      Object.assign(entry, events.length > 0 && { events }, { ms: sinceLast() }, answer);
      if (listing) listing.done.push(entry);
      else entry.ended = this.#ended++;
      return answer;
    } catch (error) {
      if (signal.aborted && !listing)
        Object.assign(entry, events.length > 0 && { events }, { open: true, ended: this.#ended++ });
      else this.#forget(entry);
      throw error;
    } finally {
      if (listing) listing.running--;
      if (listing?.running === 0) for (const done of listing.done.splice(0)) this.#addIfNew(done);
    }
  }

  #listingOf(server: string): Listing {
    const listing = this.#listings.get(server) ?? { running: 0, done: [] };
    this.#listings.set(server, listing);
    return listing;
  }

  /** Passes everything on. A change of lists is left out: the lists that come after it say the same, and when. */
  #noted(life: ServerLife, note: (event: TimedEvent) => void, ms: () => number = () => 0): ServerLife {
    return {
      progress(progress) {
        note([ms(), { progress }]);
        life.progress(progress);
      },
      notified(method, params) {
        if (!method.endsWith("/list_changed")) note([ms(), { notify: { method, params } }]);
        life.notified(method, params);
      },
      async ask(method, params, signal) {
        const event: TimedEvent[1] = { ask: { method, params } };
        note([ms(), event]);
        event.answer = await life.ask(method, params, signal);
        return event.answer;
      },
      closed(reason) {
        note([ms(), { closed: reason }]);
        life.closed(reason);
      },
    };
  }

  #noting({ body, headers }: ModelAnswer, entry: ModelEntry, startedAt: number): Readable {
    const arrivals: Arrival[] = [];
    const noting = new PassThrough();
    const source = body instanceof Readable ? body : Readable.from(body);
    source.on("data", (bytes: Buffer) => arrivals.push([this.#now(), bytes]));
    const isStream = String(headers["content-type"]).includes("event-stream");
    entry.open = true;
    pipeline(source, noting, (error) => {
      entry.chunks = chunksOf(arrivals, startedAt, isStream);
      if (!error) delete entry.open;
      else if (source.errored && source.errored.name !== "CanceledError") {
        delete entry.open;
        entry.broken = brokenBy(source.errored);
      }
    });
    return noting;
  }

  /** A server that is asked the same again, and answers the same, has nothing to add. */
  #addIfNew(entry: Exclude<Entry, ModelEntry>): void {
    const isSame = (other: Entry) => {
      if (!("mcp" in other) || other.mcp !== entry.mcp) return false;
      if ("hello" in entry) return "hello" in other;
      return "method" in entry && "method" in other && routineKey(other) === routineKey(entry);
    };
    const last = this.entries.findLast(isSame);
    if (last && isDeepStrictEqual({ ...last, ms: 0 }, { ...entry, ms: 0 })) return;
    this.entries.push(entry);
  }

  #forget(entry: Entry): void {
    const index = this.entries.indexOf(entry);
    if (index >= 0) this.entries.splice(index, 1);
  }
}

function routineKey({ method, params }: CallEntry): string {
  return `${method} ${JSON.stringify(normalisedParams(params))}`;
}

function brokenBy(error: unknown): { code: string; message: string } {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return { code, message };
}

function failureOf({ kind, message, retryable, hint }: McpError): ServerFailure {
  return { kind, message, ...(retryable && { retryable }), ...(hint && { hint }) };
}

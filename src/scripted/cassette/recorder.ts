import { PassThrough, pipeline, Readable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { McpError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type {
  ModelAnswer,
  ModelExchange,
  ServerAnswer,
  ServerExchange,
  ServerFailure,
  ServerHello,
  ServerLife,
} from "../../core/transports.js";
import { recordedCallsIn } from "./file/ending-order.js";
import {
  type CallEntry,
  type Entry,
  type Head,
  isRoutine,
  type ModelEntry,
  type RecordedError,
  type TimedEvent,
} from "./file/format.js";
import { messagesOf, normalisedParams } from "./file/normalise.js";
import type { Recording } from "./file/read.js";
import { type Arrival, chunksOf } from "./file/recorded-chunks.js";

/**
 * The routine requests (`isRoutine`) of one server that run at the same time, and those of them that are done. They are recorded together when
 * the last of them ends, because the host uses the lists only then.
 */
interface RoutineRequests {
  running: number;
  done: CallEntry[];
}

export class Recorder {
  readonly head: Head;
  /**
   * Recorded entries. Model requests and calls stand where they began, events of servers where they arrived, connections and routine requests
   * where they ended.
   */
  readonly entries: Entry[];
  readonly #now: () => number;
  readonly #match: ModelEntry["match"];
  readonly #routine = new Map<string, RoutineRequests>();
  #ended: number;

  /** Continues the recording `before`. `match` is set on all new entries of model requests. */
  constructor(now: () => number, before: Pick<Recording, "head" | "entries">, match?: ModelEntry["match"]) {
    this.#now = now;
    this.#match = match;
    this.head = { ...before.head };
    this.entries = [...before.entries];
    this.#ended = recordedCallsIn(before.entries).length;
  }

  async model(exchange: ModelExchange, send: () => Promise<ModelAnswer>): Promise<ModelAnswer> {
    const { provider, model, path, body, signal } = exchange;
    const asked = JSON.parse(body) as JsonObject;
    const about = { llm: { provider, model, path }, ...(this.#match && { match: this.#match }) };
    const entry: ModelEntry = { ...about, request: this.#match ? messagesOf(asked) : asked, chunks: [] };
    this.entries.push(entry);
    const startedAt = this.#now();
    try {
      const answer = await send();
      const { status, headers } = answer;
      entry.response = { status, headers: keptHeaders(status, headers) };
      return { status, headers, body: this.#noting(answer, entry, startedAt) };
    } catch (error) {
      if (signal.aborted) this.#forget(entry);
      else entry.broken = wireErrorOf(error);
      throw error;
    }
  }

  async hello(
    server: string,
    life: ServerLife,
    connect: (life: ServerLife) => Promise<ServerHello>,
  ): Promise<ServerHello> {
    const between: ServerLife = {
      ...noted(life, (event) => this.entries.push({ mcp: server, events: [event] })),
      closed: (reason) => life.closed(reason),
    };
    try {
      const hello = await connect(between);
      this.#addIfNew({ mcp: server, hello });
      return hello;
    } catch (error) {
      if (error instanceof McpError) this.#addIfNew({ mcp: server, hello: { failure: failureIn(error) } });
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
    const routine = isRoutine(method) ? this.#routineOf(mcp) : undefined;
    if (routine) routine.running++;
    const events: TimedEvent[] = [];
    let lastAt = this.#now();
    const sinceLast = () => {
      const at = this.#now();
      const ms = Math.round(at - lastAt);
      lastAt = at;
      return ms;
    };
    try {
      const answer = await send(noted(life, (event) => events.push(event), sinceLast));
      Object.assign(entry, events.length > 0 && { events }, { ms: sinceLast() }, answer);
      if (routine) routine.done.push(entry);
      else entry.ended = this.#ended++;
      return answer;
    } catch (error) {
      if (signal.aborted && !routine)
        Object.assign(entry, events.length > 0 && { events }, { open: true, ended: this.#ended++ });
      else this.#forget(entry);
      throw error;
    } finally {
      if (routine) routine.running--;
      if (routine?.running === 0) for (const done of routine.done.splice(0)) this.#addIfNew(done);
    }
  }

  #routineOf(server: string): RoutineRequests {
    const routine = this.#routine.get(server) ?? { running: 0, done: [] };
    this.#routine.set(server, routine);
    return routine;
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
        entry.broken = wireErrorOf(source.errored);
      }
    });
    return noting;
  }

  /** Adds the entry, unless the last entry of the same kind from this server is equal. */
  #addIfNew(entry: Exclude<Entry, ModelEntry>): void {
    const isSameKind = (other: Entry) => {
      if (!("mcp" in other) || other.mcp !== entry.mcp) return false;
      if ("hello" in entry) return "hello" in other;
      return "method" in entry && "method" in other && routineKey(other) === routineKey(entry);
    };
    const last = this.entries.findLast(isSameKind);
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

function wireErrorOf(error: unknown): RecordedError {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return { code, message };
}

function failureIn({ kind, message, retryable, hint }: McpError): ServerFailure {
  return { kind, message, ...(retryable && { retryable }), ...(hint && { hint }) };
}

/**
 * Returns a listener that records each event with `note` and passes it on to `life`. `ms` returns the time since the previous event.
 * Notifications of changed lists are not recorded, because the changes can be seen from the recorded lists.
 */
function noted(life: ServerLife, note: (event: TimedEvent) => void, ms: () => number = () => 0): ServerLife {
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

/**
 * Pattern of the response headers to record: those that the client reads from an error response. From a successful response the client
 * reads only the content type. None of these headers identifies the caller.
 */
const ofErrors =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|location|x-request-id|request-id|apim-request-id|x-amzn-requestid|cf-ray|x-ratelimit-.+|anthropic-ratelimit-.+)$/;

/** Returns the headers to record, sorted. The query string of a `location` is removed, because it may contain a token. */
function keptHeaders(status: number, headers: ModelAnswer["headers"]): Record<string, string> {
  const isAnswer = status >= 200 && status < 300;
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || !(isAnswer ? name === "content-type" : ofErrors.test(name))) return [];
    return [[name, name === "location" ? String(value).replace(/\?.*$/s, "") : String(value)]];
  });
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

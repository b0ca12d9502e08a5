/** The lines of a cassette. Each line is one JSON object. */
import type { JsonObject } from "../../../core/json.js";
import type { HostAnswer, ServerFailure, ServerHello } from "../../../core/tape.js";

export interface Head {
  /** Version of the format. */
  cassette: 1;
  /** Provider and model that the host chose during the recording, because `llm.active` was not set. */
  llm?: { active: string; model?: string };
}

/** The time since the previous chunk in ms, and the text. Bytes that are not valid UTF-8 are stored in base64. */
export type Chunk = [ms: number, piece: string | { base64: string }];

/** Failure of a socket. `code` is empty if the error had no code. */
export interface RecordedError {
  code: string;
  message: string;
}

/** One attempt of a model request. */
export interface ModelEntry {
  llm: { provider: string; model: string; path: string };
  /** `messages`: the entry answers any request with these messages, even if its system prompt, tools and parameters differ. */
  match?: "messages";
  /** The request; the file has its normalised form, see `normalise.ts`. */
  request: JsonObject;
  /** Ids created by the host, in the order in which the request names them. Absent if the answer mentions none of them. */
  ids?: string[];
  /** Absent if there was no response. */
  response?: { status: number; headers: Record<string, string> };
  /** Why there was no response, or why the body ended too early. */
  broken?: RecordedError;
  /** Set if the host stopped reading before the end of the body. */
  open?: true;
  chunks: Chunk[];
}

type ServerEvent =
  | { progress: { progress: number; total?: number; message?: string } }
  | { notify: { method: string; params: JsonObject } }
  | { ask: { method: string; params: JsonObject }; answer?: HostAnswer }
  | { closed: string };

/** An event of a server, with the time since the previous event in ms. */
export type TimedEvent = [ms: number, event: ServerEvent];

export interface CallEntry {
  mcp: string;
  method: string;
  /** The parameters; the file has their normalised form, see `normalise.ts`. */
  params: JsonObject;
  events?: TimedEvent[];
  /** Time from the last event to the answer, in ms. */
  ms: number;
  /**
   * Position of this call among all calls when they are sorted by their ends, from 0. Absent if the call has the same position when they
   * are sorted by their beginnings.
   */
  ended?: number;
  result?: JsonObject;
  error?: { code: number; message: string; data?: unknown };
  failure?: ServerFailure;
  /** Set if the host stopped waiting before the answer came. */
  open?: true;
}

export interface HelloEntry {
  mcp: string;
  hello: ServerHello | { failure: ServerFailure };
}

/** Events of a server outside of calls. They happened after the requests on earlier lines had begun. */
export interface BetweenEntry {
  mcp: string;
  events: TimedEvent[];
}

export type Entry = ModelEntry | CallEntry | HelloEntry | BetweenEntry;

/** A recorded request of the session. Other entries depend on timing. */
export type RecordedExchange = ModelEntry | CallEntry;

/** Returns true if replay matches the entry by its number and order. */
export function isExchange(entry: Entry): entry is RecordedExchange {
  return "llm" in entry || ("method" in entry && !isRoutine(entry.method));
}

/**
 * Returns true for methods that the host calls unasked, at any time and any number of times. Replay does not match them by number or order.
 */
export function isRoutine(method: string): boolean {
  return method.endsWith("/list") || method === "completion/complete";
}

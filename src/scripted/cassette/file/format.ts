/** The lines of a cassette. Each line is one JSON object. */
import type { JsonObject } from "../../../core/json.js";
import type { HostAnswer, ServerFailure, ServerHello } from "../../../core/transports.js";

export interface Head {
  /** Version of the format. */
  cassette: 1;
  /** Provider and model of the requests that named none. */
  llm?: { active: string; model?: string };
}

/** A piece of an answer: the time since the previous piece in ms, and the text. Bytes that are not valid UTF-8 are stored in base64. */
export type RecordedPiece = [ms: number, piece: string | { base64: string }];

/** Failure of a socket. `code` is empty if the error had no code. */
export interface RecordedError {
  code: string;
  message: string;
}

/** One attempt of a model request. A retry has an entry of its own. */
export interface ModelEntry {
  llm: { provider: string; model: string; path: string };
  /** If `messages`, the entry answers any request with these messages, even if its system prompt, tools and parameters differ. */
  match?: "messages";
  /** The request. In the file, it is normalised (see `normalise.ts`). */
  request: JsonObject;
  /** Ids created by the host, in the order in which they first occur in the request. Absent if the answer contains none of them. */
  ids?: string[];
  /** The response of the provider. Absent if there was no response. */
  response?: { status: number; headers: Record<string, string> };
  /** The error that prevented a response, or that ended the body too early. */
  broken?: RecordedError;
  /** Set if the host stopped reading before the end of the body. */
  open?: true;
  chunks: RecordedPiece[];
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
  /** The parameters. In the file, they are normalised (see `normalise.ts`). */
  params: JsonObject;
  events?: TimedEvent[];
  /** Time from the last event to the answer, in ms. */
  ms: number;
  /**
   * Position of this call, counted from 0, in the order in which the calls ended. Absent if it equals the call's position in the order in
   * which the calls began.
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

/** Events of a server that belong to no call. They happened after the requests on the lines above had begun. */
export interface BetweenEntry {
  mcp: string;
  events: TimedEvent[];
}

export type Entry = ModelEntry | CallEntry | HelloEntry | BetweenEntry;

/**
 * A recorded request of a kind that every run makes in the same number and order. The number and order of other entries depend on timing.
 */
export type RecordedExchange = ModelEntry | CallEntry;

/** Returns true if the entry is a request whose number and order a replay compares. */
export function isExchange(entry: Entry): entry is RecordedExchange {
  return "llm" in entry || ("method" in entry && !isRoutine(entry.method));
}

/**
 * Returns true for methods that the host calls on its own initiative, at any time and any number of times. A replay does not compare the
 * number and order of these calls.
 */
export function isRoutine(method: string): boolean {
  return method.endsWith("/list") || method === "completion/complete";
}

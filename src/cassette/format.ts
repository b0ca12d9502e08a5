/** Lines of a cassette, each of which is JSON. */
import type { HostAnswer, ServerFailure, ServerHello } from "../core/tape.js";

export type Json = Record<string, unknown>;

export interface Head {
  /** Version of the format. */
  cassette: 1;
  /** Provider and model that were chosen for an unset `llm.active`. */
  llm?: { active: string; model?: string };
}

/** Milliseconds since the previous chunk, and text; bytes that are not UTF-8 are in base64. */
export type Chunk = [ms: number, piece: string | { base64: string }];

/** Failure of a socket. `code` is empty if it has none. */
export interface WireError {
  code: string;
  message: string;
}

/** One attempt of a model request. */
export interface ModelEntry {
  llm: { provider: string; model: string; path: string };
  /** `messages`: answers any request with these messages, whatever its system prompt, tools and parameters. */
  match?: "messages";
  /** Normalised. */
  request: Json;
  /** Ids of the host, in the order in which the request names them; absent if the answer names none. */
  ids?: string[];
  /** Absent if there was no response. */
  response?: { status: number; headers: Record<string, string> };
  /** Reason why there was no response, or why its body ended too early. */
  broken?: WireError;
  /** Set when the caller did not wait for the end of the body. */
  open?: true;
  chunks: Chunk[];
}

type ServerEvent =
  | { progress: { progress: number; total?: number; message?: string } }
  | { notify: { method: string; params: Json } }
  | { ask: { method: string; params: Json }; answer?: HostAnswer }
  | { closed: string };

/** Milliseconds since the previous event. */
export type TimedEvent = [ms: number, event: ServerEvent];

export interface CallEntry {
  mcp: string;
  method: string;
  /** Normalised. */
  params: Json;
  events?: TimedEvent[];
  /** Time from the last event to the answer, in ms. */
  ms: number;
  /** Position among the calls in the order of their ends, from 0. Absent if equal to its position in the order of their beginnings. */
  ended?: number;
  result?: Json;
  error?: { code: number; message: string; data?: unknown };
  failure?: ServerFailure;
  /** Set when the caller did not wait for the answer. */
  open?: true;
}

export interface HelloEntry {
  mcp: string;
  hello: ServerHello | { failure: ServerFailure };
}

/** Actions of a server outside of calls, after the requests before this line had begun. */
export interface BetweenEntry {
  mcp: string;
  events: TimedEvent[];
}

export type Entry = ModelEntry | CallEntry | HelloEntry | BetweenEntry;

/** Entry of a session's request; the other entries depend on timing. */
export type Exchange = ModelEntry | CallEntry;

/** Returns true if the entry is matched by number and order. */
export function isExchange(entry: Entry): entry is Exchange {
  return "llm" in entry || ("method" in entry && !isRoutine(entry.method));
}

/** Returns true for requests that the host makes on its own, at any time and in any number. They are not matched by number or order. */
export function isRoutine(method: string): boolean {
  return method.endsWith("/list") || method === "completion/complete";
}

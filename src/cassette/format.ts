/** The lines of a cassette. Every one is JSON. */
import type { HostAnswer, ServerFailure, ServerHello } from "../core/tape.js";

export type Json = Record<string, unknown>;

export interface Head {
  /** Version of the format. */
  cassette: 1;
  /** What an unset `llm.active` stood for. */
  llm?: { active: string; model?: string };
}

/** Milliseconds since the one before, and text; bytes that are no UTF-8 are in base64. */
export type Chunk = [ms: number, piece: string | { base64: string }];

/** As a socket fails. `code` is empty where it has none. */
export interface WireError {
  code: string;
  message: string;
}

/** One attempt of a model request. */
export interface ModelEntry {
  llm: { provider: string; model: string; path: string };
  /** `messages`: it answers any request with these messages, whatever its system prompt, its tools and its parameters are. */
  match?: "messages";
  /** Normalised. */
  request: Json;
  /** Of the host, in the order in which the request names them; left out where the answer names none of them. */
  ids?: string[];
  /** Left out where there was none. */
  response?: { status: number; headers: Record<string, string> };
  /** Why there was no response, or why its body ended too early. */
  broken?: WireError;
  /** Nobody waited for the end of the body. */
  open?: true;
  chunks: Chunk[];
}

type ServerEvent =
  | { progress: { progress: number; total?: number; message?: string } }
  | { notify: { method: string; params: Json } }
  | { ask: { method: string; params: Json }; answer?: HostAnswer }
  | { closed: string };

/** Milliseconds since the one before. */
export type TimedEvent = [ms: number, event: ServerEvent];

/** One request to a server. */
export interface CallEntry {
  mcp: string;
  method: string;
  /** Normalised. */
  params: Json;
  events?: TimedEvent[];
  /** From the last event to the answer. */
  ms: number;
  /** Its place among the calls by their ends, from 0. Left out where that is its place among them by their beginnings. */
  ended?: number;
  result?: Json;
  error?: { code: number; message: string; data?: unknown };
  failure?: ServerFailure;
  /** Nobody waited for the answer. */
  open?: true;
}

export interface HelloEntry {
  mcp: string;
  hello: ServerHello | { failure: ServerFailure };
}

/** What a server did outside of calls, after the requests before this line had begun. */
export interface BetweenEntry {
  mcp: string;
  events: TimedEvent[];
}

export type Entry = ModelEntry | CallEntry | HelloEntry | BetweenEntry;

/** What a request of the session is recorded as; the others come and go by timing. */
export type Exchange = ModelEntry | CallEntry;

/** Whether it is matched by number and order. */
export function isExchange(entry: Entry): entry is Exchange {
  return "llm" in entry || ("method" in entry && !isRoutine(entry.method));
}

/** What the host asks a server by itself, when and as often as it likes: it is not matched by number or order. */
export function isRoutine(method: string): boolean {
  return method.endsWith("/list") || method === "completion/complete";
}

/** Routes as data. The server and /openapi.json are both made from these routes. */

import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type Next } from "hono";
import type { ArrivingMessages } from "../../../core/async/arriving-messages.js";
import { leastPieceBytes } from "../../../core/async/arriving-messages.js";
import { errorInfo, RequestError } from "../../../core/errors.js";
import type { NewId } from "../../../core/ids.js";
import { asObject, hasTooManyValues, isWritable, parseJson, tooManyValues } from "../../../core/json.js";
import type { JsonSchema } from "../../../core/messages.js";
import { answerProblem } from "./answer-problem.js";
import { ApiError } from "./api-errors.js";
import { validated } from "./api-schemas.js";
import { apiFailureOf } from "./failure.js";

export interface ApiCall {
  /** Body of the request, validated by the schema of the route. Undefined if the route has no schema. */
  body: unknown;
  path(name: string): string;
  query(name: string): string | undefined;
  header(name: string): string | undefined;
  /** Aborted when the caller disconnects before the answer is written. */
  gone: AbortSignal;
  request: Request;
  /** Reads the body of a route without a schema. Rejects with ApiError if the body is too large. */
  text(): Promise<string>;
  /** Remote address of the connection. */
  address: string;
}

export interface ApiRoute {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path of the route. A part in braces, such as `{name}`, is a parameter. The last one may be `{+name}`, which may contain slashes. */
  path: string;
  summary: string;
  /** Purpose of each header, by the name of the header. */
  headers?: Record<string, string>;
  query?: Record<string, string>;
  body?: JsonSchema;
  /** Schema of the answer. For an event stream, it is the schema of a single event. */
  answer?: { type: "application/json" | "text/event-stream"; schema: JsonSchema };
  run(call: ApiCall): Promise<Response> | Response;
}

export type HonoServer = Hono<{ Bindings: HttpBindings }>;

interface AppParts {
  admit: Parameters<HonoServer["use"]>[1];
  maxBytes: number;
  uploads: ArrivingMessages;
  newId: NewId;
}

/**
 * Returns an app that serves the routes. `admit` runs before every route. A failure is answered in the format of the API that was called.
 */
export function routesApp(routes: readonly ApiRoute[], { admit, newId, ...limits }: AppParts): HonoServer {
  const app: HonoServer = new Hono();
  app.use("*", closeUnread);
  app.use("*", admit);
  for (const route of routes) {
    const pattern = route.path.replaceAll(/\{(\w+)\}/g, ":$1").replace(/\{\+(\w+)\}$/, ":$1{.+}");
    app.on(route.method, pattern, async (context) => {
      const body = route.body && validated(parseBody(await readBody(context.req.raw, limits)), route.body);
      const response = await route.run({
        body,
        path: (name) => context.req.param(name) ?? "",
        query: (name) => context.req.query(name),
        header: (name) => context.req.header(name),
        gone: context.req.raw.signal,
        request: context.req.raw,
        text: () => readBody(context.req.raw, limits),
        address: context.env.incoming.socket.remoteAddress ?? "",
      });
      if (context.req.method !== "HEAD") return response;
      // Nobody reads the body of the answer to HEAD, so a stream would be written for ever.
      await response.body?.cancel();
      const { status, headers } = response;
      return new Response(null, { status, headers });
    });
  }
  app.notFound((context) => answerError(context, new ApiError(404, "not_found", "there is no such route"), newId));
  app.onError((error, context) => answerError(context, error, newId));
  return app;
}

/** Time for which a closing connection stays open, in ms, so that a client that is still sending reads the response. */
const lingerMs = 500;

/**
 * Closes the connection after the response if the request's body comes in chunks (`Transfer-Encoding: chunked`) and was not read to its end.
 * The rest would have to be read before the next request, and chunks of a byte take the host a thousand times as long as the client.
 */
async function closeUnread(context: Context<{ Bindings: HttpBindings }>, next: Next): Promise<void> {
  await next();
  const { headers, complete, socket } = context.env.incoming;
  if (headers["transfer-encoding"] === undefined || complete) return;
  context.res.headers.set("connection", "close");
  // Node calls this after the last response. A connection that ends at once with bytes unread is reset, and the client loses the response.
  socket.destroySoon = () => {
    socket.end();
    setImmediate(() => socket.pause()); // later than Node, which makes the socket read again in this tick
    setTimeout(() => socket.destroy(), lingerMs);
  };
}

function answerError(context: Context, error: unknown, newId: NewId): Response {
  const { path } = context.req;
  const request = { path, header: (name: string) => context.req.header(name), newId };
  if (error instanceof ApiError) return answerProblem({ problem: error, ...request });
  const failure = apiFailureOf(errorInfo(error));
  return answerProblem({ problem: failure, headers: failure.headers, ...request });
}

/** Number of pieces above which the pieces of a body must have `leastPieceBytes` on average. A piece takes a microsecond at least. */
const mostPieces = 10_000;

function tooManyPieces(): ApiError {
  const message = `the body has more than ${mostPieces} chunks, of less than ${leastPieceBytes} bytes on average: send larger chunks`;
  return new ApiError(400, "chunks_too_small", message);
}

async function readBody(
  { headers, body }: Request,
  { maxBytes, uploads }: Pick<AppParts, "maxBytes" | "uploads">,
): Promise<string> {
  const tooLarge = () => new ApiError(413, "body_too_large", "the body is larger than serve.max_body_mb");
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const reader = body?.getReader();
  let isRefused = false;
  const upload = uploads.begin(() => {
    isRefused = true;
    void reader?.cancel(); // a read that waits for a piece returns
  });
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
      bytes += piece.value.length;
      if (bytes > maxBytes) throw tooLarge();
      pieces.push(piece.value);
      if (pieces.length > mostPieces && bytes < pieces.length * leastPieceBytes) throw tooManyPieces();
      uploads.add(upload, piece.value.length);
    }
  } finally {
    uploads.end(upload);
  }
  if (isRefused) throw tooManyUploads();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw new ApiError(400, "invalid_body", "the body is not valid UTF-8");
  }
}

/** Time after which a request that was refused for its size may be sent again, in ms. */
const uploadRetryMs = 5_000;

function tooManyUploads(): RequestError {
  const message = "the host is receiving too many large requests";
  return new RequestError("overloaded", message, { retryable: true, retryAfterMs: uploadRetryMs });
}

function parseBody(text: string): unknown {
  const body = parseJson(text);
  if (body === undefined && hasTooManyValues(text)) {
    throw new ApiError(400, "too_many_entries", `the body has ${tooManyValues}`);
  }
  if (body === undefined) throw new ApiError(400, "invalid_body", "the body is not valid JSON");
  if (!isWritable(body)) throw new ApiError(400, "invalid_body", "the body is nested too deeply");
  requireFewEntries(body);
  return body;
}

/** Maximum number of objects in the lists of a body: messages, items, content parts, calls and tools. Each costs time, however small it is. */
const mostEntries = 100_000;

/** Throws ApiError if a field of the body has more entries than this host reads in one request. Its bytes were limited before it was parsed. */
function requireFewEntries(body: unknown): void {
  for (const [field, value] of Object.entries(asObject(body) ?? {})) {
    const count = entriesIn(value);
    if (count <= mostEntries) continue;
    const text = `${field}: ${count} entries, counting messages and the parts in them (at most ${mostEntries} in a request)`;
    throw new ApiError(400, "too_many_entries", text, field);
  }
}

function entriesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  for (const entry of Object.values(value)) {
    if (typeof entry !== "object" || entry === null) continue;
    count += entriesIn(entry) + (Array.isArray(value) ? 1 : 0);
  }
  return count;
}

/**
 * MCP's Streamable HTTP transport, for all protocol versions. A request that names version 2026-07-28 is sent as that version demands.
 * Features that this version removed (sessions, the GET, resumable events) are used only after the server has begun to use them.
 */

import { setMaxListeners } from "node:events";
import type { TransportSendOptions } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isPlainObject, parseJson, readJson } from "../../core/json.js";
import { HttpError, NotSent, SessionLost, unusable } from "../http/http-error.js";
import {
  beginningOfRefusal,
  bodyText,
  discard,
  type HttpAnswer,
  isOk,
  mediaTypeOf,
  type SendRequest,
  Unreachable,
} from "../http/http-request.js";
import { unfollowed } from "../http/redirects.js";
import { encoded } from "../protocol/header-params.js";
import type { MessageExtra } from "../protocol/pending-requests.js";
import { Deliveries, isAnswer } from "./deliveries.js";
import { NotificationStream } from "./notification-stream.js";
import { ResumableStreams } from "./resumable-streams.js";

/**
 * Time in ms that a server has to accept a notification or an answer. Without a limit, each notification and each answer could leave a
 * connection open.
 */
const acceptsWithinMs = 60_000;

/** Statuses that say nothing about the call itself: they mean that a login is needed, scopes are missing, or the session is lost. */
const notOfTheCall = [401, 403, 404];

export class StreamableHttp implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtra) => void;
  /** Tells the SDK's v2 client that it can cancel a request by ending the request's stream. */
  readonly hasPerRequestStream = true;

  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #send: SendRequest;
  readonly #notifications: NotificationStream;
  readonly #streams: ResumableStreams;
  readonly #ended = new AbortController();
  readonly #deliveries = new Deliveries(this);
  #sessionId: string | undefined;
  #version: string | undefined;
  /** Headers that every request has. `#posted` contains all headers of a POST, which has more. */
  #common: Readonly<Record<string, string>> = {};
  #posted: Readonly<Record<string, string>> = {};
  readonly #each: readonly AbortSignal[] = [this.#ended.signal];

  /** `headers` are sent with every request. Their names must be lower-case. */
  constructor(url: URL, { headers, send }: { headers: Readonly<Record<string, string>>; send: SendRequest }) {
    this.#url = url;
    this.#headers = headers;
    this.#prepareHeaders();
    this.#send = send;
    this.#notifications = new NotificationStream(send);
    setMaxListeners(0, this.#ended.signal); // each stream adds a listener, so Node's warning is switched off
    this.#streams = new ResumableStreams(url, {
      ask: (wanted, signals) => {
        const request = { method: "GET" as const, url, headers: { ...this.#common, ...wanted }, signals };
        return this.#notifications.ask(request, this.#ended.signal);
      },
      came: (parsed, streamOf) => this.#deliveries.push(parsed, { streamOf }),
      failed: (error) => this.onerror?.(error),
      signal: this.#ended.signal,
    });
  }

  async start(): Promise<void> {}

  setProtocolVersion(version: string): void {
    this.#version = version;
    this.#prepareHeaders();
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  listening(): Promise<void> | undefined {
    return this.#notifications.opened();
  }

  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    try {
      await this.#post(message, options);
    } catch (error) {
      if (!options.requestSignal?.aborted) this.onerror?.(error as Error);
      throw error;
    }
  }

  /** Ends the session on the server. Does nothing if there is no session. */
  async leave(): Promise<void> {
    if (this.sessionId === undefined) return;
    discard(await this.#send({ method: "DELETE", url: this.#url, headers: this.#common, signals: this.#each }));
  }

  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.onclose?.();
  }

  async #post(message: JSONRPCMessage, options: TransportSendOptions): Promise<void> {
    const { requestSignal, headers, onRequestStreamEnd: ended } = options;
    const id = "method" in message && "id" in message ? message.id : undefined;
    const limit = requestSignal ?? (id === undefined ? AbortSignal.timeout(acceptsWithinMs) : undefined);
    const signals = limit ? [...this.#each, limit] : this.#each;
    const answer = await this.#send({
      method: "POST",
      url: this.#url,
      headers: modernHeaders(message, this.#posted, headers),
      body: JSON.stringify(message),
      signals,
    }).catch((error: unknown) => {
      const isRefused = error instanceof Unreachable && error.cause.code === "ECONNREFUSED";
      throw isRefused && "method" in message ? new NotSent(error.cause, message.method) : error;
    });
    const session = answer.headers["mcp-session-id"];
    if (typeof session === "string" && session !== this.#sessionId && versionIn(message) === undefined) {
      this.#sessionId = session;
      this.#prepareHeaders();
    }
    if (!isOk(answer)) return this.#refused(message, answer);
    if (answer.status === 202 || id === undefined) {
      discard(answer);
      const isStart = "method" in message && message.method === "notifications/initialized";
      if (isStart && answer.status === 202) void this.#streams.open({ signals: this.#each }).catch(() => {});
      return;
    }
    const mediaType = mediaTypeOf(answer);
    if (mediaType === "text/event-stream") return this.#streams.read(answer, { id, signals, ended });
    if (mediaType !== "application/json") {
      discard(answer);
      const type = answer.headers["content-type"];
      const content = type === undefined ? "content of no type" : `content of the type ${type}`;
      throw new HttpError(unusable, `HTTP ${answer.status} with ${content}`);
    }
    const parsed = readJson(await bodyText(answer));
    this.#deliveries.push(parsed, { streamOf: id });
    const isAnswered = Array.isArray(parsed) ? parsed.some((each) => isAnswer(each, id)) : isAnswer(parsed, id);
    if (!isAnswered) throw new Error("the server answered with JSON that does not answer the request");
  }

  /** Handles an error status. If the body contains the server's JSON-RPC error, delivers that error as the answer. Otherwise throws. */
  async #refused(message: JSONRPCMessage, answer: HttpAnswer): Promise<void> {
    const { status } = answer;
    const text = await beginningOfRefusal(answer);
    if ("method" in message && "id" in message && isOfTheCall(message, status)) {
      const body = parseJson(text);
      if (isAnswer(body, message.id) && isPlainObject(body.error)) return this.#deliveries.push(body);
    }
    const detail = unfollowed(answer, this.#url) ?? text;
    const why = detail ? `HTTP ${status}: ${detail}` : `HTTP ${status}`;
    if (versionIn(message) !== undefined || !this.#isSessionLost(status, text)) throw new HttpError(status, why, text);
    throw new SessionLost(why, text, "method" in message ? message.method : undefined);
  }

  /**
   * Returns true if the server does not know the session. It should say so with status 404. The examples of the TypeScript SDK, and the many servers
   * that were made from them, say `400 Bad Request: No valid session ID provided`, or `Server not initialized` with a transport for a single session.
   */
  #isSessionLost(status: number, text: string): boolean {
    return status === 404 || (status === 400 && this.#sessionId !== undefined && unknownSession.test(text));
  }

  #prepareHeaders(): void {
    this.#common = {
      ...(this.#sessionId !== undefined && { "mcp-session-id": this.#sessionId }),
      ...(this.#version !== undefined && { "mcp-protocol-version": this.#version }),
      ...this.#headers,
    };
    this.#posted = {
      ...this.#common,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
  }
}

const unknownSession =
  /\bsession[ _-]?id\b|\b(no|invalid|unknown|expired)( valid)? session\b|\bserver not initialized\b/i;

/**
 * Returns true if the body of this error status may be the answer to this request. In protocol 2026-07-28 the statuses 400 and 404 may
 * carry an answer.
 */
function isOfTheCall(message: JSONRPCMessage & { method: string }, status: number): boolean {
  if (versionIn(message) !== undefined && (status === 400 || status === 404)) return true;
  return message.method === "tools/call" && status >= 400 && status < 500 && !notOfTheCall.includes(status);
}

/** The parameter that names the tool, prompt, resource or task. The keys are methods. */
const nameOf: Record<string, string> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** Returns the protocol version that a request names. Returns undefined for a message of a protocol before 2026-07-28. */
function versionIn(message: JSONRPCMessage): string | undefined {
  if (!("method" in message) || !("id" in message)) return undefined;
  const version = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"];
  return typeof version === "string" ? version : undefined;
}

/**
 * Returns the headers of a message. From protocol 2026-07-28 on, some repeat parts of the body, so that programs between host and server need
 * not read it. In a protocol before 2026-07-28 these are only the `usual` headers. `more` are headers that repeat
 * arguments of a tool call.
 */
function modernHeaders(
  message: JSONRPCMessage,
  usual: Readonly<Record<string, string>>,
  more: Record<string, string> = {},
): Readonly<Record<string, string>> {
  const version = versionIn(message);
  if (version === undefined || !("method" in message)) return usual;
  const { method, params } = message;
  const name = params?.[nameOf[method] ?? ""];
  const headers: Record<string, string> = { "mcp-protocol-version": version, "mcp-method": method };
  if (typeof name === "string") headers["mcp-name"] = encoded(name);
  for (const [param, value] of Object.entries(more)) headers[param.toLowerCase()] ??= value;
  return { ...usual, ...headers };
}

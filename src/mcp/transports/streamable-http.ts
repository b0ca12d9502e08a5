/**
 * MCP's Streamable HTTP, of every version of the protocol: what 2026-07-28 adds to it goes by what a request says of itself, and what that
 * took away (sessions, the GET, events that can be asked for again) is not there unless the server begins with it.
 */
import { setMaxListeners } from "node:events";
import type { TransportSendOptions } from "@modelcontextprotocol/client";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { isRecord, parseJson } from "../json.js";
import { Deliveries, isAnswer } from "./deliveries.js";
import { discard, type Exchange, type HttpAnswer, isOk, mediaTypeOf, textOf } from "./exchange.js";
import { HttpError, SessionLost } from "./http-error.js";
import { modernHeaders, versionIn } from "./modern-headers.js";
import { NotificationStream } from "./notification-stream.js";
import { unfollowed } from "./redirects.js";
import { ResumableStreams } from "./resumable-streams.js";

/** What is no answer to the call: a login that is wanted, rights that lack, a session that is lost. */
const notOfTheCall = [401, 403, 404];

export class StreamableHttp implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** To the SDK's v2 client: a request is cancelled by the end of its stream. */
  readonly hasPerRequestStream = true;

  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #send: Exchange;
  readonly #notifications: NotificationStream;
  readonly #streams: ResumableStreams;
  readonly #ended = new AbortController();
  readonly #deliveries = new Deliveries(this);
  #sessionId: string | undefined;
  #version: string | undefined;
  /** What every request has among its headers, and what a POST has. */
  #common: Readonly<Record<string, string>> = {};
  #posted: Readonly<Record<string, string>> = {};
  readonly #each: readonly AbortSignal[] = [this.#ended.signal];

  /** `headers`, names in small letters, go with every request. */
  constructor(url: URL, { headers, send }: { headers: Readonly<Record<string, string>>; send: Exchange }) {
    this.#url = url;
    this.#headers = headers;
    this.#prepareHeaders();
    this.#send = send;
    this.#notifications = new NotificationStream(send);
    setMaxListeners(0, this.#ended.signal); // one a stream
    this.#streams = new ResumableStreams(url, {
      ask: (wanted, signals) => {
        const request = { method: "GET" as const, url, headers: { ...this.#common, ...wanted }, signals };
        return this.#notifications.ask(request, this.#ended.signal);
      },
      came: (parsed) => this.#deliveries.push(parsed),
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

  /** Resolves when requests of the server can arrive, or need not be waited for any longer; undefined where that is so. */
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

  /** Ends the session on the server, where there is one. */
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
    const signals = requestSignal ? [...this.#each, requestSignal] : this.#each;
    const answer = await this.#send({
      method: "POST",
      url: this.#url,
      headers: modernHeaders(message, this.#posted, headers),
      body: JSON.stringify(message),
      signals,
    });
    const session = answer.headers["mcp-session-id"];
    if (typeof session === "string" && session !== this.#sessionId && versionIn(message) === undefined) {
      this.#sessionId = session;
      this.#prepareHeaders();
    }
    if (!isOk(answer)) return this.#refused(message, answer);
    const id = "method" in message && "id" in message ? message.id : undefined;
    if (answer.status === 202 || id === undefined) {
      discard(answer);
      const isStart = "method" in message && message.method === "notifications/initialized";
      if (isStart && answer.status === 202) void this.#streams.open({ signals }).catch(() => {});
      return;
    }
    const mediaType = mediaTypeOf(answer);
    if (mediaType === "text/event-stream") return this.#streams.read(answer, { id, signals, ended });
    if (mediaType !== "application/json") {
      discard(answer);
      throw new HttpError(-1, `Unexpected content type: ${answer.headers["content-type"] ?? null}`);
    }
    const parsed: unknown = JSON.parse(await textOf(answer));
    this.#deliveries.push(parsed);
    const isAnswered = Array.isArray(parsed) ? parsed.some((each) => isAnswer(each, id)) : isAnswer(parsed, id);
    if (!isAnswered) throw new Error("the server answered with JSON that is no answer to the request");
  }

  /** Rejects, unless the body has the server's own words for it: then these are the answer. */
  async #refused(message: JSONRPCMessage, answer: HttpAnswer): Promise<void> {
    const { status } = answer;
    const text = await textOf(answer).catch(() => "");
    if ("method" in message && "id" in message && isOfTheCall(message, status)) {
      const parsed = parseJson(text);
      const body = "value" in parsed ? parsed.value : undefined;
      if (isAnswer(body, message.id) && isRecord(body.error)) return this.#deliveries.push(body);
    }
    const Refusal = status === 404 && versionIn(message) === undefined ? SessionLost : HttpError;
    throw new Refusal(status, `Error POSTing to endpoint: ${unfollowed(answer, this.#url) ?? text}`, text);
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

/** Whether a refusal with this status can be the answer to this request: for those of 2026-07-28, it is what 400 and 404 are for. */
function isOfTheCall(message: JSONRPCMessage & { method: string }, status: number): boolean {
  if (versionIn(message) !== undefined && (status === 400 || status === 404)) return true;
  return message.method === "tools/call" && status >= 400 && status < 500 && !notOfTheCall.includes(status);
}

/**
 * Requests that wait for their answers. They are sent without the clients of the two SDKs, which took half the time of a call
 * (scripts/bench/mcp-calls.mjs). The clients set a timer for each request, and their schemas refuse a whole list for one bad item. The v1
 * client also never removes its listener from a signal (typescript-sdk 1.32.2, client 2.4.0).
 */

import type { TransportSendOptions } from "@modelcontextprotocol/client";
import type { JSONRPCMessage, MessageExtraInfo, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { onAbort } from "../../core/async/abort.js";
import { RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject, safeString, textOrEmpty } from "../../core/json.js";
import type { ToolProgress } from "../../core/ports.js";
import type { RequestOptions, RequestOrigin } from "./server-session.js";

interface Pending extends SentOptions {
  resolve(result: JsonObject): void;
  reject(error: unknown): void;
  release?: (() => void) | undefined;
}

interface SentOptions extends Pick<RequestOptions, "limits" | "onProgress"> {
  headers?: Record<string, string> | undefined;
}

/** Facts about a message that only its transport knows. */
export interface MessageExtra extends MessageExtraInfo {
  /** Id of the request on whose stream the message came. Undefined if the message did not come on the stream of a request. */
  streamOf?: RequestId | undefined;
}

interface ConnectedTransport {
  /** True if each request has its own stream. An aborted request must close its stream. */
  hasPerRequestStream?: boolean | undefined;
  onmessage?: ((message: never, extra?: MessageExtra) => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void>;
}

interface Protocol {
  meta?: JsonObject;
  /** True if closing a request's stream cancels the request. If false, a cancellation is also sent as a message. */
  endsStreams?: boolean | undefined;
}

export class PendingRequests {
  readonly #transport: ConnectedTransport;
  readonly #protocol: Protocol;
  readonly #pending = new Map<number, Pending>();
  /** Requests whose calls the server runs as tasks, keyed by request id. Progress of a task carries the request id until the task ends. */
  readonly #tasks = new Map<number, Pending>();
  /** Origins of the server's requests that came on the stream of a request. */
  readonly #origins = new WeakMap<object, RequestOrigin>();
  /**
   * Id of the last request. The ids 1, 2, 3 … are free: the v1 client sends only `initialize`, with id 0, and the v2 client uses texts as
   * ids.
   */
  #lastId = 0;
  #isClosed = false;

  /**
   * Intercepts the messages of a connected client's transport. This object handles answers to its own requests, and progress of these
   * requests. The client gets all other messages.
   */
  constructor(transport: ConnectedTransport, protocol: Protocol = {}) {
    this.#transport = transport;
    this.#protocol = protocol;
    const deliver = transport.onmessage;
    transport.onmessage = (message: never, extra?: MessageExtra) => {
      if (this.#take(message)) return;
      if (extra?.streamOf !== undefined && isPlainObject(message)) {
        this.#origins.set(message, { limits: this.#known(extra.streamOf)?.limits });
      }
      deliver?.(message, extra);
    };
  }

  /** Returns the origin of a request of the server. `request` is the message that the client got from the transport. */
  originOf(request: object): RequestOrigin | undefined {
    return this.#origins.get(request);
  }

  /**
   * Sends a request and resolves with its result. Rejects with RpcError if the server answers with an error. If the request is aborted,
   * cancels it at the server.
   */
  readonly send = (method: string, params: JsonObject, options: SentOptions = {}): Promise<JsonObject> =>
    new Promise((resolve, reject) => {
      const { limits, onProgress, headers } = options;
      const { meta, endsStreams } = this.#protocol;
      if (this.#isClosed) return reject(new Error("Not connected"));
      const signal = limits?.signal;
      if (signal?.aborted) return reject(signal.reason);
      this.#lastId += 1;
      const id = this.#lastId;
      const cancel = ({ reason }: AbortSignal) => {
        this.#settled(id);
        if (!endsStreams) this.#cancel(id, reason);
        reject(reason);
      };
      const release = signal && onAbort(signal, () => cancel(signal));
      this.#pending.set(id, { limits, onProgress, resolve, reject, release });
      const token = onProgress && { progressToken: id };
      const Meta = meta || token ? Object.assign({}, meta, params._meta, token) : undefined;
      const sentParams = Meta ? Object.assign({}, params, { _meta: Meta }) : params;
      const request = { jsonrpc: "2.0" as const, id, method, params: sentParams };
      const hasStream = endsStreams || this.#transport.hasPerRequestStream;
      const requestSignal = hasStream ? signal : undefined;
      const sent = this.#transport.send(request, hasStream ? { headers, requestSignal } : undefined);
      sent.catch((error: unknown) => this.#settled(id)?.reject(error));
    });

  close(error: Error): void {
    this.#isClosed = true;
    for (const id of this.#pending.keys()) this.#settled(id)?.reject(error);
    this.#tasks.clear();
  }

  #settled(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.release?.();
    return pending;
  }

  #cancel(requestId: number, reason: unknown): void {
    const { meta } = this.#protocol;
    const params = { requestId, reason: String(reason), ...(meta && { _meta: meta }) };
    const sent = this.#transport.send({ jsonrpc: "2.0", method: "notifications/cancelled", params });
    sent.catch((error: unknown) => this.#transport.onerror?.(new Error(`Failed to send cancellation: ${error}`)));
  }

  /**
   * Handles a message that answers one of these requests or reports progress of one. Returns true if it handled the message. Some servers
   * return the id of a request as text.
   */
  #take(message: unknown): boolean {
    if (!isPlainObject(message)) return false;
    const { method, result, error, params } = message;
    if (method === "notifications/progress" && isPlainObject(params)) return this.#takeProgress(params);
    if (method !== undefined) return false;
    const isError = isPlainObject(error);
    const id = Number(safeString(message.id));
    const pending = isError || isPlainObject(result) ? this.#settled(id) : undefined;
    if (!pending) return false;
    if (isError)
      pending.reject(new RpcError(Number(safeString(error.code)), plain(safeString(error.message)), error.data));
    else {
      const answer = result as JsonObject;
      if (isPlainObject(answer.task)) this.#goOn(id, pending);
      pending.resolve(answer);
    }
    return true;
  }

  #takeProgress({ progressToken, progress, total, message }: JsonObject): boolean {
    const { onProgress, limits } = this.#known(progressToken) ?? {};
    // Invalid progress is not handled here: the SDK's client gets it and reports the error.
    if (!onProgress || limits?.isOver || typeof progress !== "number") return false;
    const news: ToolProgress = { progress };
    if (typeof total === "number") news.total = total;
    if (textOrEmpty(message)) news.message = textOrEmpty(message);
    onProgress(news);
    return true;
  }

  /** Returns the request that waits for its answer or for the end of its task. Some servers return the id of a request as text. */
  #known(requestId: unknown): Pending | undefined {
    const id = Number(safeString(requestId));
    return this.#pending.get(id) ?? this.#tasks.get(id);
  }

  #goOn(id: number, pending: Pending): void {
    for (const [old, { limits }] of this.#tasks) if (limits?.isOver) this.#tasks.delete(old);
    this.#tasks.set(id, pending);
  }
}

/** Returns the message of an error without the prefixes that SDKs add. */
function plain(message: string): string {
  return message.replace(/^(MCP error -?\d+: )+/, "");
}

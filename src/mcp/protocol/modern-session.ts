/** A session in protocol 2026-07-28 or later. It uses the SDK's v2 client. Only `lazy.ts` loads this file. */

import { Client, type ClientCapabilities, type DiscoverResult } from "@modelcontextprotocol/client";
import { RpcError } from "../../core/errors.js";
import { asObject, isPlainObject, type JsonObject, parseJson } from "../../core/json.js";
import { HttpError } from "../http/http-error.js";
import { toolListKind } from "../lists/listed.js";
import { listAll } from "../lists/listing.js";
import { clientInfo } from "../shared/client-info.js";
import { lostAnswer, OutcomeUnknown, refusalOf } from "../shared/request-failures.js";
import { ChangeStream } from "./change-stream.js";
import { headersFor, objectionTo } from "./header-params.js";
import { inRounds } from "./input-rounds.js";
import { modernMeta, unsupportedVersion } from "./modern-version.js";
import { PendingRequests } from "./pending-requests.js";
import type { RequestLimits } from "./request-limits.js";
import type { ModernTransport } from "./server-route.js";
import type { ServerSession, ServerSessionEvents } from "./server-session.js";
import { isTaskHandle, resultOfTask } from "./tasks.js";

const headerMismatch = -32020;
/** Field of a request's `_meta` that asks for log messages. A server sends log messages only during requests that name a level. */
const logLevel = { "io.modelcontextprotocol/logLevel": "info" };

/** Returns a session that is not connected yet. `discovered` is the server's answer to `server/discover`. */
export function modernSession(
  transport: ModernTransport,
  capabilities: JsonObject,
  discovered: JsonObject,
): ServerSession {
  const client = new Client(clientInfo, { capabilities: capabilities as ClientCapabilities });
  const ended = new AbortController();
  let events: ServerSessionEvents | undefined;
  let requests: PendingRequests | undefined;

  const send: ServerSession["request"] = async (method, params, options = {}) => {
    if (!requests) throw new Error("Not connected");
    const { inputSchema } = options;
    const headers = inputSchema && headersFor(inputSchema, params.arguments);
    try {
      // A result without `resultType` counts as complete.
      return { resultType: "complete", ...(await requests.send(method, params, { ...options, headers })) };
    } catch (error) {
      throw answerIn(error) ?? error;
    }
  };

  /**
   * Sends a request. After a failure, sends it once more if that is safe: the server certainly did not carry out the request, or the
   * request has no side effect.
   */
  const sendSafely: ServerSession["request"] = async (method, params, options = {}) => {
    try {
      return await send(method, params, options);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === unsupportedVersion) throw refusedVersion(error, method);
      const isLost = error.code === lostAnswer.code && error.message === lostAnswer.message;
      if (isLost && method !== "tools/call") return send(method, params, options);
      if (error.code !== headerMismatch || !options.inputSchema) throw error;
      // The server expects a different set of arguments in headers than its tool list said, so the list is read again.
      const { items } = await listAll((list, page) => send(list, page, { limits: options.limits }), toolListKind);
      const tool = items.find(({ name }) => name === params.name);
      if (!tool || objectionTo(tool.inputSchema) !== undefined) throw error;
      events?.notified("notifications/tools/list_changed", {});
      return send(method, params, { ...options, inputSchema: tool.inputSchema });
    }
  };

  /**
   * Closes the connection and returns the error for the caller. The server now speaks another version, so the next connection must probe it
   * again.
   */
  const refusedVersion = (error: RpcError, method: string) => {
    const reason = refusalOf(method, "protocol", error.message);
    events?.closed(reason);
    return reason;
  };

  /** Returns a function that answers the questions which the server asks during the request with these limits. */
  const answersDuring =
    (limits: RequestLimits | undefined): ServerSessionEvents["answer"] =>
    async (method, params, signal) => {
      if (!events) throw new Error("nobody listens");
      return events.answer(method, params, signal, { limits });
    };

  const request: ServerSession["request"] = async (method, params, options = {}) => {
    const once = (more: JsonObject) => sendSafely(method, more, options);
    const { limits } = options;
    const result = await inRounds(params, once, answersDuring(limits), limits?.signal ?? ended.signal);
    if (result.resultType === "complete" || (isTaskHandle(result) && method === "tools/call")) return result;
    throw new OutcomeUnknown(
      "protocol",
      `the server answered with a result of type ${JSON.stringify(result.resultType)}`,
    );
  };

  const changes = new ChangeStream(client, {
    signal: ended.signal,
    failed: (error) => events?.failed(error),
    resumed() {
      const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
      const kinds = [tools && "tools", prompts && "prompts", resources && "resources"].filter(Boolean);
      for (const kind of kinds) events?.notified(`notifications/${kind}/list_changed`, {});
    },
  });

  return {
    era: "modern",
    listen(to) {
      events = to;
      client.onclose = () => {
        ended.abort();
        to.closed();
        requests?.close(new Error("Connection closed"));
      };
      client.onerror = to.failed;
      client.fallbackNotificationHandler = async ({ method, params = {} }) => to.notified(method, params as JsonObject);
    },
    async connect() {
      await client.connect(transport, { prior: { kind: "modern", discover: discovered as DiscoverResult } });
      requests = new PendingRequests(transport, {
        meta: modernMeta(capabilities),
        endsStreams: transport.hasPerRequestStream,
      });
      const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
      const filter = {
        ...(tools?.listChanged && { toolsListChanged: true }),
        ...(prompts?.listChanged && { promptsListChanged: true }),
        ...(resources?.listChanged && { resourcesListChanged: true }),
      };
      if (Object.keys(filter).length > 0) changes.follow(filter);
    },
    get capabilities() {
      return client.getServerCapabilities() ?? {};
    },
    get serverVersion() {
      return client.getServerVersion()?.version;
    },
    get instructions() {
      return client.getInstructions();
    },
    request,
    async callTool(params, run) {
      const isLogged = client.getServerCapabilities()?.logging !== undefined;
      const meta = isPlainObject(params._meta) ? params._meta : {};
      const result = await run.ask("tools/call", isLogged ? { ...params, _meta: { ...logLevel, ...meta } } : params);
      return isTaskHandle(result) ? resultOfTask(result, run, answersDuring(run.limits)) : result;
    },
    async subscribe(uri) {
      changes.follow({ resourceSubscriptions: [uri] });
    },
    async unsubscribe(uri) {
      changes.unfollow(uri);
    },
    async ping(limits) {
      await request("server/discover", {}, { limits });
    },
    untilServerCanAsk: () => undefined,
    objectionTo: (inputSchema) => (transport.hasPerRequestStream ? objectionTo(inputSchema) : undefined),
  };
}

/**
 * Returns the server's JSON-RPC error. The error may also be in the body of an HTTP error, without the id of the request. Returns undefined
 * for any other error.
 */
function answerIn(error: unknown): RpcError | undefined {
  if (error instanceof RpcError) return error;
  const answer = error instanceof HttpError ? asObject(parseJson(error.text)) : undefined;
  const body = answer?.error;
  if (!isPlainObject(body) || typeof body.code !== "number") return undefined;
  return new RpcError(body.code, String(body.message), body.data);
}

/**
 * A session in the protocols up to 2025-11-25. It uses the SDK's v1 client. Only `lazy.ts` loads this file, because a host without
 * servers does not need it.
 */

import type { TransportSendOptions } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  CancelledNotificationSchema,
  type ClientCapabilities,
  type JSONRPCMessage,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { longestTimerMs } from "../../core/async/timers.js";
import { McpError, RpcError } from "../../core/errors.js";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { clientInfo } from "../shared/client-info.js";
import { PendingRequests } from "./pending-requests.js";
import type { ServerRoute } from "./server-route.js";
import type { ServerSession } from "./server-session.js";
import { callAsTask } from "./tasks.js";

/**
 * Returns a session that uses the SDK's client for `initialize` and for the server's requests and notifications. Each connection gets a new
 * client, because a client that connects again would keep caches of the earlier connection.
 */
export function legacySession(route: ServerRoute, capabilities: JsonObject): ServerSession {
  const client = new Client(clientInfo, { capabilities: capabilities as ClientCapabilities });
  const overflowed = limitUnreadAnswers(route.transport);
  let requests: PendingRequests | undefined;
  const request: ServerSession["request"] = (method, params, options) =>
    requests ? requests.send(method, params, options) : Promise.reject(new Error("Not connected"));
  return {
    era: "legacy",
    listen({ closed, failed, notified, answer }) {
      client.onclose = () => {
        closed();
        requests?.close(new RpcError(-32000, "Connection closed", undefined));
      };
      client.onerror = failed;
      overflowed.catch(closed);
      const asked = new Map<RequestId | undefined, AbortController>();
      // Replaces the SDK's handler, which would ignore the cancellation of a request with id 0.
      client.setNotificationHandler(CancelledNotificationSchema, ({ params }) => asked.get(params.requestId)?.abort());
      client.fallbackRequestHandler = async (asking, { signal, requestId }) => {
        const { method, params = {} } = asking;
        const cancelled = new AbortController();
        asked.set(requestId, cancelled);
        try {
          const signals = AbortSignal.any([signal, cancelled.signal]);
          return await answer(method, params, signals, requests?.originOf(asking));
        } finally {
          asked.delete(requestId);
        }
      };
      client.fallbackNotificationHandler = async ({ method, params = {} }) => notified(method, params);
    },
    async connect() {
      await Promise.race([overflowed, client.connect(route.transport, { timeout: longestTimerMs })]);
      requests = new PendingRequests(route.transport);
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
    callTool(params, run) {
      if (!run.isTask) return run.ask("tools/call", params);
      const takesTasks = isPlainObject(client.getServerCapabilities()?.tasks?.requests?.tools?.call);
      return takesTasks ? callAsTask(params, run) : run.ask("tools/call", params);
    },
    async subscribe(uri, limits) {
      await request("resources/subscribe", { uri }, { limits });
    },
    async unsubscribe(uri, limits) {
      await request("resources/unsubscribe", { uri }, { limits });
    },
    async ping(limits) {
      await request("ping", {}, { limits });
    },
    untilServerCanAsk: () => route.listening?.(),
    objectionTo: () => undefined,
  };
}

/** Maximum number of answers that are sent at the same time. Over HTTP, each of them occupies a connection. */
const mostSending = 32;
/** Maximum number and size of the unread answers, those that are being sent included. */
const mostUnread = 10_000;
const mostUnreadChars = 16 * 1024 * 1024;

interface AnsweringTransport {
  /** Resolves when the server has read the message or, over stdio, when the pipe has taken it. */
  send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void>;
}

/**
 * Makes the transport send answers to the server's requests only as fast as the server reads them. A server that sends requests and reads no
 * answers could otherwise fill the host's memory or, over HTTP, use up its connections. Requests and notifications of this host
 * do not wait. Returns a promise that never resolves. It rejects when more answers are unread than the limits allow; the caller must then
 * close the connection.
 */
export function limitUnreadAnswers(transport: AnsweringTransport): Promise<never> {
  const send = transport.send.bind(transport);
  const waiting: (() => void)[] = [];
  let [unread, unreadChars] = [0, 0];
  let overflow: (reason: McpError) => void = () => {};
  const overflowed = new Promise<never>((_, reject) => {
    overflow = reject;
  });

  transport.send = async (message, options) => {
    if ("method" in message) return send(message, options);
    if (unread >= mostUnread || unreadChars >= mostUnreadChars) {
      const what = `the server does not read the answers to its requests (${unread} are unread)`;
      const reason = new McpError("protocol", what, { retryable: true });
      overflow(reason);
      throw reason;
    }
    const chars = JSON.stringify(message).length;
    unread += 1;
    unreadChars += chars;
    try {
      if (unread > mostSending) await new Promise<void>((resolve) => waiting.push(resolve));
      await send(message, options);
    } finally {
      unread -= 1;
      unreadChars -= chars;
      waiting.shift()?.();
    }
  };
  return overflowed;
}

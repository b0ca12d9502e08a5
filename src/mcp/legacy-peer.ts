/** Servers up to 2025-11-25, over the SDK's v1 client. Loaded through `lazy.ts` only: a host without servers does without it. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  CancelledNotificationSchema,
  type ClientCapabilities,
  type RequestId,
  McpError as SdkError,
} from "@modelcontextprotocol/sdk/types.js";
import { custom } from "zod";
import { clientInfo } from "./client-info.js";
import { isRecord, type Json } from "./json.js";
import { type Peer, RpcError } from "./peer.js";
import { callAsTask } from "./tasks.js";
import type { Route } from "./transports/route.js";
import { longestTimerMs } from "./wait.js";

/** Takes any object: what a server sends is read leniently, by us. */
const anyResult = custom<Json>(isRecord);

/** A client connects once: caches of an earlier server would stay in it. */
export function legacyPeer(route: Route, capabilities: Json): Peer {
  const client = new Client(clientInfo, { capabilities: capabilities as ClientCapabilities });
  const request: Peer["request"] = async (method, params, { signal, onProgress } = {}) => {
    const options = { signal, timeout: longestTimerMs, ...(onProgress && { onprogress: onProgress }) };
    try {
      return await client.request({ method, params }, anyResult, options);
    } catch (error) {
      throw error instanceof SdkError ? new RpcError(error.code, plain(error.message), error.data) : error;
    }
  };
  return {
    era: "legacy",
    listen({ closed, failed, notified, answer }) {
      client.onclose = closed;
      client.onerror = failed;
      const asked = new Map<RequestId | undefined, AbortController>();
      // In place of the SDK's own, which overlooks that request 0 is cancelled.
      client.setNotificationHandler(CancelledNotificationSchema, ({ params }) => asked.get(params.requestId)?.abort());
      client.fallbackRequestHandler = async ({ method, params = {} }, { signal, requestId }) => {
        const cancelled = new AbortController();
        asked.set(requestId, cancelled);
        try {
          return await answer(method, params, AbortSignal.any([signal, cancelled.signal]));
        } finally {
          asked.delete(requestId);
        }
      };
      client.fallbackNotificationHandler = async ({ method, params = {} }) => notified(method, params);
    },
    connect: () => client.connect(route.transport, { timeout: longestTimerMs }),
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
      const takesTasks = isRecord(client.getServerCapabilities()?.tasks?.requests?.tools?.call);
      return run.isTask && takesTasks ? callAsTask(params, run) : run.ask("tools/call", params);
    },
    async subscribe(uri) {
      await request("resources/subscribe", { uri });
    },
    async ping(signal) {
      await request("ping", {}, { signal });
    },
    canBeAsked: async () => route.listening?.(),
    objectionTo: () => undefined,
  };
}

/** Without the prefix that the SDK puts before a message, once at each end. */
function plain(message: string): string {
  return message.replace(/^(MCP error -?\d+: )+/, "");
}

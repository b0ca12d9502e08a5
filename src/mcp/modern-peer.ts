/** Servers from 2026-07-28 on, over the SDK's v2 client. Loaded through `lazy.ts` only. */
import { Client, type ClientCapabilities, type DiscoverResult, ProtocolError } from "@modelcontextprotocol/client";
import { record, string, unknown } from "zod";
import { clientInfo } from "./client-info.js";
import { headersFor, objectionTo } from "./header-params.js";
import type { Json } from "./json.js";
import { type Peer, type PeerEvents, RpcError } from "./peer.js";
import type { ModernTransport } from "./transports/route.js";
import { longestTimerMs } from "./wait.js";

const anyResult = record(string(), unknown());
/** What a server may need of us in the middle of a request; the SDK asks and sends the request again with the answers. */
const inputs = {
  "elicitation/create": "elicitation",
  "sampling/createMessage": "sampling",
  "roots/list": "roots",
} as const;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** `discovered` is what the server answered to `server/discover`. */
export function modernPeer(transport: ModernTransport, capabilities: Json, discovered: Json): Peer {
  const client = new Client(clientInfo, { capabilities: capabilities as ClientCapabilities });
  const ended = new AbortController();
  let events: PeerEvents | undefined;

  const request: Peer["request"] = async (method, params, { signal, onProgress, inputSchema } = {}) => {
    const options = {
      signal,
      timeout: longestTimerMs,
      ...(onProgress && { onprogress: onProgress }),
      ...(inputSchema && { headers: headersFor(inputSchema, params.arguments) }),
    };
    try {
      return await client.request({ method, params }, anyResult, options);
    } catch (error) {
      throw error instanceof ProtocolError ? new RpcError(error.code, error.message, error.data) : error;
    }
  };

  /** Changes are told on a stream of their own, which is opened again, ever more patiently, when it ends. */
  async function follow(filter: Parameters<Client["listen"]>[0]): Promise<void> {
    for (let pauseMs = firstPauseMs; !ended.signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      try {
        const subscription = await client.listen(filter, { signal: ended.signal });
        pauseMs = firstPauseMs;
        if ((await subscription.closed) !== "remote") return;
      } catch (error) {
        if (error instanceof ProtocolError) throw error;
        if (!ended.signal.aborted) events?.failed(error as Error);
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
  }

  return {
    era: "modern",
    listen(to) {
      events = to;
      client.onclose = () => {
        ended.abort();
        to.closed();
      };
      client.onerror = to.failed;
      client.fallbackNotificationHandler = async ({ method, params = {} }) => to.notified(method, params as Json);
      for (const [method, capability] of Object.entries(inputs) as [keyof typeof inputs, string][]) {
        if (!(capability in capabilities)) continue;
        const answer = (params: unknown, signal: AbortSignal) => to.answer(method, (params ?? {}) as Json, signal);
        client.setRequestHandler(
          method,
          async (asked, { mcpReq }) => (await answer(asked.params, mcpReq.signal)) as never,
        );
      }
    },
    async connect() {
      await client.connect(withResultTypes(transport), {
        prior: { kind: "modern", discover: discovered as DiscoverResult },
      });
      const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
      const filter = {
        ...(tools?.listChanged && { toolsListChanged: true }),
        ...(prompts?.listChanged && { promptsListChanged: true }),
        ...(resources?.listChanged && { resourcesListChanged: true }),
      };
      if (Object.keys(filter).length > 0) follow(filter).catch((error: Error) => events?.failed(error));
    },
    get capabilities() {
      return client.getServerCapabilities() ?? {};
    },
    get serverVersion() {
      return client.getServerVersion()?.version;
    },
    request,
    async subscribe(uri) {
      follow({ resourceSubscriptions: [uri] }).catch((error: Error) => events?.failed(error));
    },
    async ping(signal) {
      await request("server/discover", {}, { signal });
    },
    canBeAsked: async () => {},
    objectionTo: (inputSchema) => (transport.hasPerRequestStream ? objectionTo(inputSchema) : undefined),
  };
}

/** A result without its type is a complete one, by the specification; the SDK refuses it (client 2.4.0). */
function withResultTypes(transport: ModernTransport): ModernTransport {
  return new Proxy(transport, {
    set(target, key, value) {
      if (key !== "onmessage" || !value) return Reflect.set(target, key, value, target);
      const deliver: NonNullable<ModernTransport["onmessage"]> = value;
      target.onmessage = (message, extra) => {
        const isPlain = "result" in message && message.result.resultType === undefined;
        deliver(isPlain ? { ...message, result: { resultType: "complete", ...message.result } } : message, extra);
      };
      return true;
    },
    get(target, key) {
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

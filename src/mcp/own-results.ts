/** Results of 2026-07-28 as the server sent them, past the schemas of the SDK. */
import type { JSONRPCMessage } from "@modelcontextprotocol/client";
import { isRecord, type Json } from "./json.js";
import type { ModernTransport } from "./transports/route.js";

/** Where the SDK finds nothing to complain of; the result itself travels in `own`. */
const acceptable = {
  resultType: "complete",
  ttlMs: 0,
  cacheScope: "private",
  supportedVersions: [],
  capabilities: {},
  tools: [],
  prompts: [],
  resources: [],
  resourceTemplates: [],
  contents: [],
  messages: [],
  content: [],
  completion: { values: [] },
};

/**
 * The transport with every result wrapped, for `ownResult`. The SDK refuses a whole list for one bad item, a result without its type
 * although that is a complete one by the specification, and the handle of a task, which is an extension's (client 2.4.0).
 */
export function withOwnResults(transport: ModernTransport): ModernTransport {
  return new Proxy(transport, {
    set(target, key, value) {
      if (key !== "onmessage" || !value) return Reflect.set(target, key, value, target);
      const deliver: NonNullable<ModernTransport["onmessage"]> = value;
      target.onmessage = (message, extra) => deliver(wrapped(message), extra);
      return true;
    },
    get(target, key) {
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function wrapped(message: JSONRPCMessage): JSONRPCMessage {
  if (!("result" in message)) return message;
  return { ...message, result: { ...acceptable, own: message.result } };
}

/** What the server sent, with its type, out of what the SDK returned. */
export function ownResult({ own }: Json): Json {
  return { resultType: "complete", ...(isRecord(own) ? own : {}) };
}

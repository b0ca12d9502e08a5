import type { JsonObject } from "../../../core/json.js";

/** Keys of a request that may contain its messages. The key depends on the API. */
const keys = ["messages", "input", "contents"];

/** Returns the messages of a request, without the rest of the request. */
export function historyOf(request: JsonObject): JsonObject {
  return Object.fromEntries(keys.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])));
}

/** Returns the request with `map` applied to its messages. */
export function withHistory(request: JsonObject, map: (messages: readonly unknown[]) => unknown[]): JsonObject {
  const lists = Object.entries(historyOf(request)).flatMap(([key, list]) =>
    Array.isArray(list) ? [[key, map(list)]] : [],
  );
  return { ...request, ...Object.fromEntries(lists) };
}

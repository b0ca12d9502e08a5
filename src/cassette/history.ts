import type { Json } from "./format.js";

/** Keys of the messages in requests, by API. */
const keys = ["messages", "input", "contents"];

/** Returns the messages without the rest of the request. */
export function historyOf(request: Json): Json {
  return Object.fromEntries(keys.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])));
}

/** Returns the request with its messages mapped. */
export function withHistory(request: Json, map: (messages: readonly unknown[]) => unknown[]): Json {
  const lists = Object.entries(historyOf(request)).flatMap(([key, list]) =>
    Array.isArray(list) ? [[key, map(list)]] : [],
  );
  return { ...request, ...Object.fromEntries(lists) };
}

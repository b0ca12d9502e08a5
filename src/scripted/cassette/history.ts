import type { Json } from "./format.js";

/** Keys under which the APIs have the messages of a request. */
const keys = ["messages", "input", "contents"];

/** Returns the messages of a request, without the rest of the request. */
export function historyOf(request: Json): Json {
  return Object.fromEntries(keys.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])));
}

/** Returns the request with `map` applied to its messages. */
export function withHistory(request: Json, map: (messages: readonly unknown[]) => unknown[]): Json {
  const lists = Object.entries(historyOf(request)).flatMap(([key, list]) =>
    Array.isArray(list) ? [[key, map(list)]] : [],
  );
  return { ...request, ...Object.fromEntries(lists) };
}

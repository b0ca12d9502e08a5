import type { Json } from "./format.js";

/** Where requests have what was said, by the API that they are for. */
const keys = ["messages", "input", "contents"];

/** What was said, without the rest of the request. */
export function historyOf(request: Json): Json {
  return Object.fromEntries(keys.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])));
}

/** The request with another list of what was said. */
export function withHistory(request: Json, map: (messages: readonly unknown[]) => unknown[]): Json {
  const lists = Object.entries(historyOf(request)).flatMap(([key, list]) =>
    Array.isArray(list) ? [[key, map(list)]] : [],
  );
  return { ...request, ...Object.fromEntries(lists) };
}

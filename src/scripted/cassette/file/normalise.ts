/** Normalises requests so that they can be compared. Parts that differ from run to run are removed or replaced. */

import { idPattern } from "../../../core/ids.js";
import { isPlainObject, type JsonObject } from "../../../core/json.js";

/** Patterns for texts that differ from run to run, with their replacements. */
const passing: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [idPattern, "$1_<id>"],
  [/\b\d{4}-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b/g, "<date>"],
  [/(\b(?:localhost|127\.0\.0\.1)|\[::1\]):\d{2,5}\b/g, "$1:<port>"],
];

/** Returns the value with sorted keys and without undefined members. Parts of its texts that differ from run to run are replaced. */
export function normalised(value: unknown): unknown {
  if (typeof value === "string") return withStandIns(value);
  if (Array.isArray(value)) return value.map(normalised);
  if (!isPlainObject(value)) return value;
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  return Object.fromEntries(names.sort().map((name) => [name, normalised(value[name])]));
}

function withStandIns(text: string): string {
  return passing.reduce((rest, [pattern, standIn]) => rest.replace(pattern, standIn), text);
}

/** Normalises a request body. Its streaming options are removed, so that requests with and without streaming are equal. */
export function normalisedBody({ stream: _, stream_options: __, ...body }: JsonObject): JsonObject {
  return normalised(body) as JsonObject;
}

/** Returns only the messages of a request, without its system prompt, tools and model. */
export function messagesOf(request: JsonObject): JsonObject {
  const isSaid = (message: unknown) =>
    isPlainObject(message) && message.role !== "system" && message.role !== "developer";
  return withHistory(historyOf(request), (messages) => messages.filter(isSaid));
}

/** Normalises the parameters of a request to a server. Ids of the call and of its trace are removed from `_meta`. */
export function normalisedParams({ _meta, ...params }: JsonObject): JsonObject {
  const { traceparent: _, tracestate: __, "mcp-platform/call-id": ___, ...meta } = isPlainObject(_meta) ? _meta : {};
  return normalised({ ...params, ...(Object.keys(meta).length > 0 && { _meta: meta }) }) as JsonObject;
}

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

/** Requests as they are compared: without what differs from run to run. */
import { idPattern } from "../core/ids.js";
import { isMapping } from "../core/tree.js";
import type { Json } from "./format.js";
import { historyOf, withHistory } from "./history.js";

/** Stand-ins for what is another one each time. */
const passing: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [idPattern, "$1_<id>"],
  [/\b\d{4}-[01]\d-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b/g, "<date>"],
  [/(\b(?:localhost|127\.0\.0\.1)|\[::1\]):\d{2,5}\b/g, "$1:<port>"],
];

/** The same value with its keys in order, stand-ins in its texts, and without members that are undefined. */
export function normalised(value: unknown): unknown {
  if (typeof value === "string") return withStandIns(value);
  if (Array.isArray(value)) return value.map(normalised);
  if (!isMapping(value)) return value;
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  return Object.fromEntries(names.sort().map((name) => [name, normalised(value[name])]));
}

function withStandIns(text: string): string {
  return passing.reduce((rest, [pattern, standIn]) => rest.replace(pattern, standIn), text);
}

/** How an answer travels is no part of the question: a streamed one and a whole one are read alike. */
export function normalisedBody({ stream: _, stream_options: __, ...body }: Json): Json {
  return normalised(body) as Json;
}

/** What was said alone: neither what the model is told beforehand nor what it is offered, nor which one it is. */
export function messagesOf(request: Json): Json {
  const isSaid = (message: unknown) => isMapping(message) && message.role !== "system" && message.role !== "developer";
  return withHistory(historyOf(request), (messages) => messages.filter(isSaid));
}

/** Without the ids that say which call of which turn it is. */
export function normalisedParams({ _meta, ...params }: Json): Json {
  const { traceparent: _, tracestate: __, "mcp-platform/call-id": ___, ...meta } = isMapping(_meta) ? _meta : {};
  return normalised({ ...params, ...(Object.keys(meta).length > 0 && { _meta: meta }) }) as Json;
}

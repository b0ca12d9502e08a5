/** Headers that calls of OpenAI's and Anthropic's API have in common: ids, the trace, and the choice of the servers' tools. */
import { type CarriedTrace, carriedTrace } from "../../../core/trace-context.js";
import type { ReadHeader } from "../clients.js";
import { ApiError } from "../shared/api-errors.js";

/** Headers that a call may send, with their meaning for the API description. */
export const turnHeaders = {
  "X-Conversation-Id":
    "continues this conversation of the log; of `messages`, only those after the last assistant message count",
  "X-Request-Id": "a repetition under the same id is the same call",
  "Idempotency-Key": "the same as X-Request-Id, for callers behind a proxy that sets an X-Request-Id of its own",
  traceparent: "the trace (W3C Trace Context) that the turn's trace continues",
  "X-MCP-Tools": "patterns of the only tools of servers that the call may use: server.*,other.tool",
};

/** The conversation, the ids and the trace that an API call names. */
export interface CallContext {
  conversationId?: string;
  /** See `PromptOptions.promptCacheName`. Set if the call continues a response: it is the name from the first call of the conversation. */
  promptCacheName?: string;
  requestId?: string;
  trace?: CarriedTrace;
}

export function callContextOf(header: ReadHeader): CallContext {
  const trace = traceIn(header);
  // Idempotency-Key is preferred: it always comes from the caller, but a proxy may have set X-Request-Id.
  const requestId = idIn(header, "idempotency-key") ?? idIn(header, "x-request-id");
  return { conversationId: idIn(header, "x-conversation-id"), requestId, trace };
}

/** Returns the trace to which the caller's request belongs. https://www.w3.org/TR/trace-context/ */
export function traceIn(header: ReadHeader): CarriedTrace | undefined {
  return carriedTrace(header("traceparent"), header("tracestate"));
}

/** Returns the patterns in the header X-MCP-Tools. Commas separate patterns, except within parentheses. */
export function toolsIn(header: ReadHeader): string[] | undefined {
  const text = header("x-mcp-tools");
  if (text === undefined) return undefined;
  const patterns = splitPatterns(text).map((pattern) => pattern.trim());
  return patterns.filter((pattern) => pattern !== "");
}

/**
 * Splits at commas, from the end of the text. A comma is within parentheses if the next parenthesis to its right is a closing one. Takes
 * linear time: a regular expression took 0.8 s for 15 kB of commas.
 */
function splitPatterns(text: string): string[] {
  const patterns: string[] = [];
  let end = text.length;
  let isWithin = false;
  for (let at = text.length - 1; at >= 0; at--) {
    const char = text[at];
    if (char === "(" || char === ")") isWithin = char === ")";
    if (char !== "," || isWithin) continue;
    patterns.push(text.slice(at + 1, end));
    end = at;
  }
  patterns.push(text.slice(0, end));
  return patterns.reverse();
}

function idIn(header: ReadHeader, name: string): string | undefined {
  const id = header(name);
  return id === undefined ? undefined : requireId(id, name);
}

/** Returns the id. Throws ApiError if the id is invalid. `name` is the header or field that holds the id. */
export function requireId(id: string, name: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(id)) return id;
  throw new ApiError(400, "invalid_id", `${name} is 1 to 200 printable characters without spaces`, name);
}

/** Failures of requests that say whether the server has carried the request out. */

import { McpError, type McpErrorKind } from "../../core/errors.js";

/** `data` of a JSON-RPC error that a transport delivers instead of an answer that broke off or cannot be read. */
export const noAnswer = "no answer from the server";

/** The JSON-RPC error that a transport delivers if the server's answer breaks off. */
export const lostAnswer = {
  code: -32000,
  message: "the server ended the stream before it answered",
  data: noAnswer,
};

/** The error for a `tools/call` that the server refused before it did anything. The call may be sent again. */
export class NotTaken extends McpError {}

/** The error for a request whose answer did not arrive or cannot be read. The server may have carried the request out. */
export class OutcomeUnknown extends McpError {}

/**
 * Returns the error for a request that the server refused before it did anything. Only for a `tools/call`, the error is NotTaken. The
 * other requests of a call, such as the polls of its task, are sent after the server has begun the call.
 */
export function refusalOf(method: string | undefined, kind: McpErrorKind, message: string, hint?: string): McpError {
  const details = { retryable: true, hint };
  return method === "tools/call" ? new NotTaken(kind, message, details) : new McpError(kind, message, details);
}

export class RpcRefusal extends Error {
  constructor(
    /** An error code of JSON-RPC or MCP. The specification uses -1 as its example for a refusal by the user. */
    readonly code: -32601 | -32602 | -32603 | -1,
    message: string,
  ) {
    super(message);
  }
}

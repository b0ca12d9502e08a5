/**
 * HTTP headers that repeat parts of a request's body, so that programs between host and server need not read the body (protocol
 * 2026-07-28).
 */
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { encoded } from "../protocol/header-params.js";

/** The parameter that names the tool, prompt, resource or task. The keys are methods. */
const nameOf: Record<string, string> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** Returns the protocol version that a request names. Returns undefined for a message of a protocol before 2026-07-28. */
export function versionIn(message: JSONRPCMessage): string | undefined {
  if (!("method" in message) || !("id" in message)) return undefined;
  const version = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"];
  return typeof version === "string" ? version : undefined;
}

/**
 * Returns the headers of a message. In a protocol before 2026-07-28 these are only the `usual` headers. `more` are headers that repeat
 * arguments of a tool call.
 */
export function modernHeaders(
  message: JSONRPCMessage,
  usual: Readonly<Record<string, string>>,
  more: Record<string, string> = {},
): Readonly<Record<string, string>> {
  const version = versionIn(message);
  if (version === undefined || !("method" in message)) return usual;
  const { method, params } = message;
  const name = params?.[nameOf[method] ?? ""];
  const headers: Record<string, string> = { "mcp-protocol-version": version, "mcp-method": method };
  if (typeof name === "string") headers["mcp-name"] = encoded(name);
  for (const [param, value] of Object.entries(more)) headers[param.toLowerCase()] ??= value;
  return { ...usual, ...headers };
}

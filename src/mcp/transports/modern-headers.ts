/** What a request of 2026-07-28 says of itself in headers too, so that those on the way need not read its body. */
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { encoded } from "../header-params.js";

/** The parameter that is the name of what a method is about. */
const nameOf: Record<string, string> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** The version that a request names; undefined for messages before 2026-07-28. */
export function versionIn(message: JSONRPCMessage): string | undefined {
  if (!("method" in message) || !("id" in message)) return undefined;
  const version = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"];
  return typeof version === "string" ? version : undefined;
}

/** The headers of a request; for messages before that they are the usual ones. `more` are those of the arguments. */
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

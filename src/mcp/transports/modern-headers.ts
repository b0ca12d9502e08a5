/** HTTP headers of a request of 2026-07-28 that repeat facts of its body, so that intermediaries need not read the body. */
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { encoded } from "../header-params.js";

/** Key of the parameter that names what a method acts on. */
const nameOf: Record<string, string> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** Returns the version that a request names; undefined for messages before 2026-07-28. */
export function versionIn(message: JSONRPCMessage): string | undefined {
  if (!("method" in message) || !("id" in message)) return undefined;
  const version = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"];
  return typeof version === "string" ? version : undefined;
}

/** Returns the headers of a request; messages before 2026-07-28 have the usual ones. `more`: headers from the arguments. */
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

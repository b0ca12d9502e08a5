import { newId } from "../../src/core/ids.js";
import type { McpParts } from "../../src/doors/mcp/mcp-parts.js";
import type { App } from "../../src/index.js";
import { doorParts } from "../doors/support.js";

/** Returns the parts of the app that the MCP door gets. */
export function mcpParts(app: App, serve: Partial<McpParts["serve"]> = {}): McpParts {
  return {
    ...doorParts(app),
    newId,
    version: "1.0.0",
    serve: { ...app.config.mcpServe, ...serve },
    given: {},
    defaults: () => app.config.chat.service,
  };
}

/** One message of every kind that a client may send. The first one begins a session. */
export const mcpMessages: readonly object[] = [
  {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: { elicitation: {} },
      clientInfo: { name: "raw", version: "1" },
    },
  },
  { jsonrpc: "2.0", method: "notifications/initialized" },
  { jsonrpc: "2.0", id: 2, method: "tools/list", params: { cursor: "x" } },
  {
    jsonrpc: "2.0",
    id: 3,
    method: "tools/call",
    params: { name: "echo", arguments: { a: [1] }, _meta: { progressToken: 3 } },
  },
  { jsonrpc: "2.0", id: 4, method: "resources/read", params: { uri: "file:///x" } },
  { jsonrpc: "2.0", id: 5, method: "resources/subscribe", params: { uri: "file:///x" } },
  { jsonrpc: "2.0", id: 6, method: "prompts/get", params: { name: "p", arguments: { a: "b" } } },
  { jsonrpc: "2.0", id: 7, method: "logging/setLevel", params: { level: "error" } },
  {
    jsonrpc: "2.0",
    id: 8,
    method: "completion/complete",
    params: { ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "b" } },
  },
  { jsonrpc: "2.0", id: 9, result: { action: "accept", content: {} } },
  { jsonrpc: "2.0", id: 10, error: { code: -1, message: "no" } },
  { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3, reason: "x" } },
  { jsonrpc: "2.0", id: 11, method: "ping" },
];

/** The route to the tools of the program that uses the library: an MCP server in this process. */
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  CallToolResultSchema,
  ErrorCode,
  ListToolsRequestSchema,
  type ListToolsResult,
  McpError as SdkError,
} from "@modelcontextprotocol/sdk/types.js";
import type { ProgramServerConfig } from "../../core/config.js";
import { McpError, messageOf } from "../../core/errors.js";
import { isPlainObject } from "../../core/json.js";
import type { ProgramTool } from "../../core/ports.js";
import type { ServerRoute } from "../protocol/server-route.js";

export async function programRoute({ name, offers }: ProgramServerConfig): Promise<ServerRoute> {
  const server = new Server({ name, version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: offers.map(listed) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
    const { name, arguments: args = {}, _meta: { progressToken, "mcp-platform/call-id": callId } = {} } = params;
    const tool = offers.find((each) => each.name === name);
    if (!tool) throw new SdkError(ErrorCode.InvalidParams, `unknown tool: ${name}`);
    const progress = (step: { progress: number; total?: number; message?: string }) => {
      if (progressToken === undefined || signal.aborted) return;
      void sendNotification({ method: "notifications/progress", params: { ...step, progressToken } }).catch(() => {});
    };
    try {
      return resultOf(await tool.call(args, { signal, callId: callId as string | undefined, progress }));
    } catch (error) {
      return { content: [{ type: "text", text: messageOf(error) }], isError: true };
    }
  });
  const [transport, other] = InMemoryTransport.createLinkedPair();
  await server.connect(other);
  return {
    transport,
    instead: () => undefined,
    isFatal: () => false,
    explain: (error) =>
      error instanceof McpError ? error : new McpError("protocol", messageOf(error), { cause: error }),
    close: () => transport.close(),
  };
}

function listed({ name, description, inputSchema, readOnly, idempotent, destructive }: ProgramTool) {
  const annotations = { readOnlyHint: readOnly, idempotentHint: idempotent, destructiveHint: destructive };
  return { name, description, inputSchema, annotations } as ListToolsResult["tools"][number];
}

function resultOf(value: unknown): CallToolResult {
  if (isPlainObject(value) && Array.isArray(value.content)) {
    const result = CallToolResultSchema.safeParse(value);
    if (result.success) return result.data;
  }
  return { content: [{ type: "text", text: typeof value === "string" ? value : (JSON.stringify(value) ?? "done") }] };
}

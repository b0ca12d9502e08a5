/** The bundled demo MCP server. It speaks MCP over stdio and offers a few harmless tools, one resource and one prompt. */
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";

type Args = Record<string, unknown>;
type ReportProgress = (progress: number, total: number) => Promise<void>;

interface ServedTool {
  description: string;
  properties: Record<string, object>;
  /** Names of the required arguments. Default: all keys of `properties`. */
  required?: string[];
  outputSchema?: Tool["outputSchema"];
  run(args: Args, progress: ReportProgress, signal: AbortSignal): CallToolResult | Promise<CallToolResult>;
}

const tools: Record<string, ServedTool> = {
  add: {
    description: "Adds two numbers.",
    properties: { a: { type: "number" }, b: { type: "number" } },
    outputSchema: { type: "object", properties: { result: { type: "number" } }, required: ["result"] },
    run({ a, b }) {
      const result = Number(a) + Number(b);
      return { ...text(String(result)), structuredContent: { result } };
    },
  },
  echo: {
    description: "Gives the text back.",
    properties: { text: { type: "string" } },
    run: (args) => text(String(args.text)),
  },
  current_time: {
    description: "The current date and time, UTC, ISO 8601.",
    properties: {},
    run: () => text(new Date().toISOString()),
  },
  count: {
    description: "Counts from 1 to a number and reports progress on the way.",
    properties: {
      to: { type: "integer", minimum: 1, maximum: 1000 },
      delay_ms: { type: "integer", minimum: 0, maximum: 10_000, description: "Pause before each number, default 0." },
    },
    required: ["to"],
    async run({ to, delay_ms = 0 }, progress, signal) {
      const total = Number(to);
      const numbers: number[] = [];
      for (let number = 1; number <= total; number++) {
        await sleep(Number(delay_ms), undefined, { signal });
        numbers.push(number);
        await progress(number, total);
      }
      return text(numbers.join(" "));
    },
  },
};

const readme = {
  uri: "demo://readme",
  name: "readme",
  description: "What this demo server is",
  mimeType: "text/plain",
  text: "This is the MCP server that comes with MCP-Platform. Its tools add, echo, tell the time and count.",
};

const summarize = {
  name: "summarize",
  description: "Asks for a summary of a topic",
  arguments: [{ name: "topic", description: "What to summarize", required: true }],
};

const server = new Server(
  { name: "mcp-platform-demo", version: "1.0.0" },
  { capabilities: { tools: {}, resources: {}, prompts: {} } },
);

server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: Object.entries(tools).map(([name, { description, properties, required, outputSchema }]) => ({
    name,
    description,
    inputSchema: { type: "object" as const, properties, required: required ?? Object.keys(properties) },
    ...(outputSchema && { outputSchema }),
    annotations: { readOnlyHint: true, idempotentHint: true },
  })),
}));

server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, sendNotification }) => {
  const tool = Object.hasOwn(tools, params.name) ? tools[params.name] : undefined;
  if (!tool) throw new McpError(ErrorCode.InvalidParams, `unknown tool: ${params.name}`);
  const progressToken = params._meta?.progressToken;
  const progress: ReportProgress = async (done, total) => {
    if (progressToken === undefined) return;
    await sendNotification({
      method: "notifications/progress",
      params: { progressToken, progress: done, total, message: `${done} of ${total}` },
    });
  };
  return tool.run(params.arguments ?? {}, progress, signal);
});

server.setRequestHandler(ListResourcesRequestSchema, () => {
  const { text: _, ...listed } = readme;
  return { resources: [listed] };
});

server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
  if (params.uri !== readme.uri) throw new McpError(-32002, `no such resource: ${params.uri}`);
  return { contents: [{ uri: readme.uri, mimeType: readme.mimeType, text: readme.text }] };
});

server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts: [summarize] }));

server.setRequestHandler(GetPromptRequestSchema, ({ params }) => {
  if (params.name !== summarize.name) throw new McpError(ErrorCode.InvalidParams, `no such prompt: ${params.name}`);
  const words = `Summarize in three sentences: ${params.arguments?.topic}`;
  return { messages: [{ role: "user", content: { type: "text", text: words } }] };
});

await server.connect(new StdioServerTransport());

function text(words: string): CallToolResult {
  return { content: [{ type: "text", text: words }] };
}

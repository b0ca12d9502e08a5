/** An MCP server with one tool, `add`. For every call it appends a line to the file named by its first argument. */
import { appendFileSync } from "node:fs";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "counting", version: "1.0.0" });
const inputSchema = { a: z.number(), b: z.number() };
server.registerTool("add", { description: "Adds two numbers.", inputSchema }, ({ a, b }) => {
  appendFileSync(process.argv[2], `${a} ${b}\n`);
  return { content: [{ type: "text", text: String(a + b) }] };
});
await server.connect(new StdioServerTransport());

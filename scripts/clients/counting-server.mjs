/** An MCP server with one tool, add, that writes a line for every call into the file that its first argument names. */
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

/** The Claude Agent SDK, which runs Claude Code. The client's own tool is on an MCP server in this process. */
import { createSdkMcpServer, query, tool } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import { drive, weather } from "./drive.mjs";

const { name, description, result } = weather;
const weatherTool = tool(name, description, { city: z.string() }, async () => ({
  content: [{ type: "text", text: result }],
}));
const own = createSdkMcpServer({ name: "own", version: "1.0.0", tools: [weatherTool] });
let session;

await drive({
  async "messages, streamed"(messages) {
    const options = {
      model: "mcp-platform",
      mcpServers: { own },
      allowedTools: ["mcp__own__weather"],
      includePartialMessages: true,
      settingSources: [],
      resume: session,
      env: {
        ...process.env,
        ANTHROPIC_BASE_URL: process.env.BASE_URL.replace(/\/v1$/, ""),
        ANTHROPIC_API_KEY: process.env.API_KEY,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: "mcp-platform/plain",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      },
      stderr: (text) => process.stderr.write(text),
    };
    let said = "";
    for await (const message of query({ prompt: messages.at(-1).content, options })) {
      session = message.session_id ?? session;
      if (message.type !== "result") continue;
      if (message.is_error) throw new Error(message.result ?? JSON.stringify(message.errors ?? message));
      said = message.result;
    }
    return said;
  },
});

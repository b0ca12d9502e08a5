/**
 * claude-agent-acp, the agent of editors that runs Claude Code, over the host's messages API.
 * This process is the editor. The client's own tool is on an MCP server that the editor passes on: this file again, with `serve`.
 */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { client, methods, ndJsonStream } from "@agentclientprotocol/sdk";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";
import { drive, weather } from "./drive.mjs";

const file = fileURLToPath(import.meta.url);
let editor;

async function open(env) {
  const program = join(dirname(file), "node_modules/@agentclientprotocol/claude-agent-acp/dist/index.js");
  const { stdin, stdout } = spawn(process.execPath, [program], {
    env: { ...process.env, ...env, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  const editorSide = client({ name: "editor" })
    .onRequest(methods.client.session.requestPermission, ({ params: { options } }) => {
      const { optionId } = options.find(({ kind }) => kind.startsWith("allow"));
      return { outcome: { outcome: "selected", optionId } };
    })
    .onNotification(methods.client.session.update, ({ params: { update } }) => {
      if (update.sessionUpdate === "agent_message_chunk" && update.content.type === "text") said += update.content.text;
      else if (update.sessionUpdate.startsWith("tool_call")) said = "";
    });
  const { agent } = editorSide.connect(ndJsonStream(Writable.toWeb(stdin), Readable.toWeb(stdout)));
  await agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities: {} });
  const own = { name: "own", command: process.execPath, args: [file, "serve"], env: [] };
  const session = { cwd: process.cwd(), mcpServers: [own] };
  const { sessionId } = await agent.request(methods.agent.session.new, session);
  // In its mode of choice, Claude Code asks a model about each call of a tool. In this one, it asks the editor.
  await agent.request(methods.agent.session.setMode, { sessionId, modeId: "default" });
  return async (text) => {
    said = "";
    await agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: "text", text }] });
    return said;
  };
}

async function answer(messages, env) {
  editor ??= await open(env);
  return editor(messages.at(-1).content);
}

if (process.argv[2] === "serve") {
  const server = new McpServer({ name: "own", version: "1.0.0" });
  server.registerTool(
    weather.name,
    { description: weather.description, inputSchema: { city: z.string() } },
    async () => ({ content: [{ type: "text", text: weather.result }] }),
  );
  await server.connect(new StdioServerTransport());
} else {
  const { BASE_URL: baseUrl, API_KEY: apiKey } = process.env;
  await drive({
    "messages, streamed": (messages) =>
      answer(messages, {
        ANTHROPIC_BASE_URL: baseUrl.replace(/\/v1$/, ""),
        ANTHROPIC_API_KEY: apiKey,
        ANTHROPIC_MODEL: "mcp-platform",
        ANTHROPIC_DEFAULT_HAIKU_MODEL: "mcp-platform/plain",
      }),
  });
}

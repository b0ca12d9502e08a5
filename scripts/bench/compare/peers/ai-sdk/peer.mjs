import { createMCPClient } from "@ai-sdk/mcp";
import { StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, streamText } from "ai";

export async function open({ baseUrl, servers }) {
  const model = createOpenAICompatible({ name: "mock", baseURL: baseUrl, apiKey: "sk-0123456789" })("m1");
  const clients = await Promise.all(servers.map(connect));
  const tools = Object.assign({}, ...(await Promise.all(clients.map((client) => client.tools()))));
  const offered = clients.length > 0 ? { tools } : {};
  return {
    historyOf: (messages) => messages,
    async complete(text, history = []) {
      return (await generateText({ model, messages: [...history, { role: "user", content: text }] })).text;
    },
    async stream(text, onText) {
      for await (const delta of streamText({ model, prompt: text, ...offered }).textStream) onText(delta);
    },
    async turn(text) {
      return (await generateText({ model, prompt: text, tools, stopWhen: isStepCount(1000) })).text;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

function connect({ url, command, args }) {
  return createMCPClient({ transport: url ? { type: "http", url } : new StdioMCPTransport({ command, args }) });
}

/** The official SDKs of OpenAI and MCP, with the loop that people write around them. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";

export async function open({ baseUrl, servers }) {
  const openai = new OpenAI({ baseURL: baseUrl, apiKey: "sk-0123456789" });
  const connections = await Promise.all(servers.map(connect));
  const owners = new Map();
  const tools = connections.flatMap(({ client, tools }) =>
    tools.map(({ name, description, inputSchema }) => {
      owners.set(name, client);
      return { type: "function", function: { name, description, parameters: inputSchema } };
    }),
  );
  const offered = tools.length > 0 ? { tools } : {};
  const ask = async (messages, more) => {
    const completion = await openai.chat.completions.create({ model: "m1", messages, ...more });
    return completion.choices[0].message;
  };
  const run = async ({ id, function: { name, arguments: text } }) => {
    const { content } = await owners.get(name).callTool({ name, arguments: JSON.parse(text) });
    return { role: "tool", tool_call_id: id, content: content.map(({ text }) => text).join("\n") };
  };
  return {
    historyOf: (messages) => messages,
    async complete(text, history = []) {
      return (await ask([...history, { role: "user", content: text }])).content;
    },
    async stream(text, onText) {
      const messages = [{ role: "user", content: text }];
      const chunks = await openai.chat.completions.create({ model: "m1", messages, ...offered, stream: true });
      for await (const { choices } of chunks) {
        const content = choices[0]?.delta.content;
        if (content) onText(content);
      }
    },
    async turn(text) {
      const messages = [{ role: "user", content: text }];
      for (;;) {
        const message = await ask(messages, offered);
        if (!message.tool_calls) return message.content;
        messages.push(message, ...(await Promise.all(message.tool_calls.map(run))));
      }
    },
    async close() {
      await Promise.all(connections.map(({ client }) => client.close()));
    },
  };
}

async function connect({ url, command, args }) {
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(
    url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport({ command, args }),
  );
  return { client, tools: (await client.listTools()).tools };
}

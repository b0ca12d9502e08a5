import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";

export async function open({ baseUrl, servers }) {
  const model = new ChatOpenAI({ model: "m1", apiKey: "sk-0123456789", configuration: { baseURL: baseUrl } });
  const named = servers.map(({ name, url, command, args }) => [
    name,
    url ? { transport: "http", url } : { transport: "stdio", command, args },
  ]);
  const client = named.length > 0 ? new MultiServerMCPClient({ mcpServers: Object.fromEntries(named) }) : undefined;
  const tools = client ? await client.getTools() : [];
  const agent = createAgent({ model, tools });
  const streaming = tools.length > 0 ? model.bindTools(tools) : model;
  return {
    historyOf: (messages) =>
      messages.map(({ role, content }) => (role === "user" ? new HumanMessage(content) : new AIMessage(content))),
    async complete(text, history = []) {
      return (await model.invoke([...history, new HumanMessage(text)])).content;
    },
    async stream(text, onText) {
      for await (const { content } of await streaming.stream([new HumanMessage(text)])) if (content) onText(content);
    },
    async turn(text) {
      const { messages } = await agent.invoke({ messages: [new HumanMessage(text)] }, { recursionLimit: 1000 });
      return messages.at(-1).content;
    },
    close: () => client?.close(),
  };
}

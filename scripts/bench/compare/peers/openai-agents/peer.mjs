import {
  Agent,
  assistant,
  MCPServerStdio,
  MCPServerStreamableHttp,
  OpenAIChatCompletionsModel,
  run,
  setTracingDisabled,
  user,
} from "@openai/agents";
import OpenAI from "openai";

export async function open({ baseUrl, servers }) {
  setTracingDisabled(true);
  const openai = new OpenAI({ baseURL: baseUrl, apiKey: "sk-0123456789" });
  const mcpServers = await Promise.all(servers.map(connect));
  const agent = new Agent({
    name: "bench",
    instructions: "You are a helpful assistant.",
    model: new OpenAIChatCompletionsModel(openai, "m1"),
    mcpServers,
  });
  const turn = async (input) => (await run(agent, input, { maxTurns: 1000 })).finalOutput;
  return {
    historyOf: (messages) =>
      messages.map(({ role, content }) => (role === "user" ? user(content) : assistant(content))),
    complete: (text, history = []) => turn([...history, user(text)]),
    async stream(text, onText) {
      const streamed = await run(agent, text, { stream: true });
      for await (const delta of streamed.toTextStream()) onText(delta);
      await streamed.completed;
    },
    turn,
    async close() {
      await Promise.all(mcpServers.map((server) => server.close()));
    },
  };
}

async function connect({ name, url, command, args }) {
  const options = { name, cacheToolsList: true };
  const server = url
    ? new MCPServerStreamableHttp({ ...options, url })
    : new MCPServerStdio({ ...options, command, args });
  await server.connect();
  return server;
}

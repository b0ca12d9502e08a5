/** The engine of tiny-agents; its own outer loop ends after 10 rounds, so the loop is here. It always streams. */
import { McpClient } from "@huggingface/mcp-client";

export async function open({ baseUrl, servers }) {
  const client = new McpClient({ endpointUrl: baseUrl, model: "m1", apiKey: "sk-0123456789" });
  await client.addMcpServers(
    servers.map(({ url, command, args }) =>
      url ? { type: "http", config: { url } } : { type: "stdio", config: { command, args } },
    ),
  );
  const once = async (messages, onText = () => {}) => {
    for await (const event of client.processSingleTurnWithTools(messages)) {
      const content = event.choices?.[0]?.delta.content;
      if (content) onText(content);
    }
    return messages.at(-1);
  };
  return {
    historyOf: (messages) => messages,
    async complete(text, history = []) {
      return (await once([...history, { role: "user", content: text }])).content;
    },
    async stream(text, onText) {
      await once([{ role: "user", content: text }], onText);
    },
    async turn(text) {
      const messages = [{ role: "user", content: text }];
      for (;;) {
        const last = await once(messages);
        if (last.role === "assistant") return last.content;
      }
    },
    close: () => client.cleanup(),
  };
}

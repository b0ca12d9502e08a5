/** The lower limit: node:http with kept-alive connections, JSON.parse, hand-written JSON-RPC. No validation, retries or error handling. */
import { eachData, post, wholeText } from "./bare/http.mjs";
import { connect } from "./bare/mcp.mjs";

export async function open({ baseUrl, servers }) {
  const url = new URL(`${baseUrl}/chat/completions`);
  const connections = await Promise.all(servers.map(connect));
  const owners = new Map(connections.flatMap((connection) => connection.tools.map(({ name }) => [name, connection])));
  const tools = connections.flatMap((connection) =>
    connection.tools.map(({ name, description, inputSchema }) => ({
      type: "function",
      function: { name, description, parameters: inputSchema },
    })),
  );
  const offered = tools.length > 0 ? { tools } : {};
  const bodyOf = (messages, more) => JSON.stringify({ model: "m1", messages, ...more });
  const ask = async (messages, more) => {
    const response = await post(url, bodyOf(messages, more));
    return JSON.parse(await wholeText(response)).choices[0].message;
  };
  const run = async ({ id, function: { name, arguments: text } }) => {
    const { content } = await owners.get(name).call(name, JSON.parse(text));
    return { role: "tool", tool_call_id: id, content: content[0].text };
  };
  return {
    historyOf: (messages) => messages,
    async complete(text, history = []) {
      return (await ask([...history, { role: "user", content: text }])).content;
    },
    async stream(text, onText) {
      const response = await post(url, bodyOf([{ role: "user", content: text }], { ...offered, stream: true }));
      await eachData(response, (data) => {
        if (data === "[DONE]") return;
        const { content } = JSON.parse(data).choices[0].delta;
        if (content) onText(content);
      });
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
      for (const connection of connections) connection.close();
    },
  };
}

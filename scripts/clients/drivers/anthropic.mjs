/** The Anthropic SDK with a tool of its own: messages whole and streamed, and its loop over tools. */
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { drive, weather } from "./drive.mjs";

const client = new Anthropic({ baseURL: process.env.BASE_URL.replace(/\/v1$/, ""), apiKey: process.env.API_KEY });
const { name, description, result } = weather;
const inputSchema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const call = {
  model: "mcp-platform",
  max_tokens: 1000,
  thinking: { type: "adaptive" },
  tools: [{ name, description, input_schema: inputSchema }],
};

/** Sends requests until an answer contains no tool call. */
async function loop(messages, ask) {
  const said = [];
  for (;;) {
    const { content, stop_reason } = await ask({ ...call, messages: [...messages, ...said] });
    said.push({ role: "assistant", content });
    if (stop_reason !== "tool_use") return { text: textOf(content), messages: said };
    const calls = content.filter(({ type }) => type === "tool_use");
    const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: result }));
    said.push({ role: "user", content: results });
  }
}

function textOf(content) {
  return content.map(({ text = "" }) => text).join("");
}

await drive({
  messages: (messages) => loop(messages, (body) => client.messages.create(body)),
  "messages, streamed": (messages) => loop(messages, (body) => client.messages.stream(body).finalMessage()),
  async "tool runner, streamed"(messages) {
    const tool = betaTool({ name, description, inputSchema, run: () => result });
    const runner = client.beta.messages.toolRunner({ ...call, tools: [tool], messages, stream: true });
    const { content } = await runner.runUntilDone();
    return { text: textOf(content), messages: [{ role: "assistant", content }] };
  },
});

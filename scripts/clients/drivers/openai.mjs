/** The openai SDK: chat completions and responses, each whole and streamed, with a tool of its own. */
import OpenAI from "openai";
import { drive, weather } from "./drive.mjs";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const model = "mcp-platform";
const { name, description, result } = weather;
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

/** Sends requests until an answer contains no tool call. */
async function loopChat(messages, ask) {
  const tools = [{ type: "function", function: { name, description, parameters } }];
  const said = [];
  for (;;) {
    const { choices } = await ask({ model, messages: [...messages, ...said], tools });
    const { message } = choices[0];
    said.push(message);
    if (!message.tool_calls?.length) return { text: message.content, messages: said };
    said.push(...message.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: result })));
  }
}

async function loopResponses(input, ask) {
  const tools = [{ type: "function", name, description, parameters, strict: false }];
  const said = [];
  for (;;) {
    const response = await ask({ model, input: [...input, ...said], tools });
    if (response.error) throw Object.assign(new Error(response.error.message), response.error);
    said.push(...response.output);
    const calls = response.output.filter(({ type }) => type === "function_call");
    if (calls.length === 0) return { text: response.output_text, messages: said };
    said.push(...calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: result })));
  }
}

await drive({
  chat: (messages) => loopChat(messages, (body) => client.chat.completions.create(body)),
  "chat, streamed": (messages) =>
    loopChat(messages, (body) => client.chat.completions.stream(body).finalChatCompletion()),
  responses: (input) => loopResponses(input, (body) => client.responses.create(body)),
  "responses, streamed": (input) => loopResponses(input, (body) => client.responses.stream(body).finalResponse()),
});

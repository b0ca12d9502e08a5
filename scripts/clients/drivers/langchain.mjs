/** LangChain's OpenAI model, over both APIs, with a tool of its own. */
import { ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { drive, weather } from "./drive.mjs";

const { name, description, result } = weather;
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name, description, parameters } }];
const configuration = { baseURL: process.env.BASE_URL };
const common = { model: "mcp-platform", apiKey: process.env.API_KEY, configuration };
const chat = new ChatOpenAI({ ...common }).bindTools(tools);
const responses = new ChatOpenAI({ ...common, useResponsesApi: true }).bindTools(tools);

const whole = (model) => (messages) => model.invoke(messages);

const streamed = (model) => async (messages) => {
  let sum;
  for await (const chunk of await model.stream(messages)) sum = sum ? sum.concat(chunk) : chunk;
  return sum;
};

/** Sends requests until an answer contains no tool call. */
async function loop(messages, ask) {
  const said = [];
  for (;;) {
    const answer = await ask([...messages, ...said]);
    said.push(answer);
    if (!answer.tool_calls?.length) return { text: answer.text, messages: said };
    said.push(...answer.tool_calls.map(({ id }) => new ToolMessage({ tool_call_id: id, content: result })));
  }
}

await drive({
  chat: (messages) => loop(messages, whole(chat)),
  "chat, streamed": (messages) => loop(messages, streamed(chat)),
  responses: (messages) => loop(messages, whole(responses)),
  "responses, streamed": (messages) => loop(messages, streamed(responses)),
});

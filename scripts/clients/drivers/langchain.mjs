/** LangChain's OpenAI model, over both APIs. */
import { ChatOpenAI } from "@langchain/openai";
import { drive } from "./drive.mjs";

const configuration = { baseURL: process.env.BASE_URL };
const common = { model: "mcp-platform", apiKey: process.env.API_KEY, configuration };
const chat = new ChatOpenAI({ ...common });
const responses = new ChatOpenAI({ ...common, useResponsesApi: true });

async function whole(model, messages) {
  return (await model.invoke(messages)).text;
}

async function streamed(model, messages) {
  let text = "";
  for await (const chunk of await model.stream(messages)) text += chunk.text;
  return text;
}

await drive({
  chat: (messages) => whole(chat, messages),
  "chat, streamed": (messages) => streamed(chat, messages),
  responses: (messages) => whole(responses, messages),
  "responses, streamed": (messages) => streamed(responses, messages),
});

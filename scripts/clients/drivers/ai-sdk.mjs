/** The AI SDK with its OpenAI provider, over both of its models. */
import { createOpenAI } from "@ai-sdk/openai";
import { streamed, whole } from "./ai-sdk-loop.mjs";
import { drive } from "./drive.mjs";

const openai = createOpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const chat = openai.chat("mcp-platform");
const responses = openai.responses("mcp-platform");

await drive({
  chat: (messages) => whole(chat, messages),
  "chat, streamed": (messages) => streamed(chat, messages),
  responses: (messages) => whole(responses, messages),
  "responses, streamed": (messages) => streamed(responses, messages),
});

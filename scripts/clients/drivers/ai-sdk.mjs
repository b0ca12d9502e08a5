/** The AI SDK with its OpenAI provider, over both of its models. */
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";
import { drive } from "./drive.mjs";

const openai = createOpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const chat = openai.chat("mcp-platform");
const responses = openai.responses("mcp-platform");

async function whole(model, messages) {
  return (await generateText({ model, messages })).text;
}

async function streamed(model, messages) {
  let failure;
  const result = streamText({ model, messages, onError: ({ error }) => (failure = error) });
  const text = await result.text.then(
    (text) => text,
    (error) => {
      throw failure ?? error;
    },
  );
  if (failure) throw failure;
  return text;
}

await drive({
  chat: (messages) => whole(chat, messages),
  "chat, streamed": (messages) => streamed(chat, messages),
  responses: (messages) => whole(responses, messages),
  "responses, streamed": (messages) => streamed(responses, messages),
});

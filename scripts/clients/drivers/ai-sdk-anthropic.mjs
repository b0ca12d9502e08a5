/** The AI SDK with its Anthropic provider. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { streamed, whole } from "./ai-sdk-loop.mjs";
import { drive } from "./drive.mjs";

const anthropic = createAnthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const model = anthropic("mcp-platform");

await drive({
  messages: (messages) => whole(model, messages),
  "messages, streamed": (messages) => streamed(model, messages),
});

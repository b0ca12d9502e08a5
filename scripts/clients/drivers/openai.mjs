/** The openai SDK: chat completions and responses, each whole and streamed. */
import OpenAI from "openai";
import { drive } from "./drive.mjs";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const model = "mcp-platform";

await drive({
  async chat(messages) {
    const { choices } = await client.chat.completions.create({ model, messages });
    return choices[0].message.content;
  },
  async "chat, streamed"(messages) {
    const run = client.chat.completions.stream({ model, messages });
    return (await run.finalChatCompletion()).choices[0].message.content;
  },
  async responses(input) {
    return (await client.responses.create({ model, input })).output_text;
  },
  async "responses, streamed"(input) {
    const response = await client.responses.stream({ model, input }).finalResponse();
    if (response.error) throw Object.assign(new Error(response.error.message), response.error);
    return response.output_text;
  },
});

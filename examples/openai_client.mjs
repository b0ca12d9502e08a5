// The `openai` package against this host. The model's calls of your MCP servers run in the host; the client sees the answer.
//
//   export MCP_PLATFORM_SERVE__TOKEN=$(node -p "crypto.randomUUID()")
//   node dist/main.js serve &
//   node examples/openai_client.mjs
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.MCP_PLATFORM_URL ?? "http://127.0.0.1:8642/v1",
  apiKey: process.env.MCP_PLATFORM_SERVE__TOKEN,
});
const stream = await client.chat.completions.create({
  model: "mcp-platform",
  messages: [{ role: "user", content: "Add 2 and 40 with the add tool" }],
  stream: true,
});
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? "");
console.log();

import { expect, test } from "@jest/globals";
import { startApp } from "../../support/app.js";
import { answer, startLlmServer } from "../../support/llm-server.js";
import { openDoor, post } from "./door.js";

const tool = { name: "weather", description: "?" };
const asked = { model: "test/m1", temperature: 0.5, parallel_tool_calls: false };
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "hi" },
  { role: "assistant", content: "Hello." },
  { role: "user", content: "Weather?" },
];
const schema = { type: "object" };

// A caller that repeats a call after an update of the host gets the answer of the first attempt: the id may not change between versions.
test.each([
  [
    "chat/completions",
    {
      ...asked,
      messages,
      max_tokens: 9,
      stop: ["END"],
      tool_choice: "required",
      tools: [{ type: "function", function: tool }],
      response_format: { type: "json_schema", json_schema: { schema } },
    },
    "single_ddb3916826fb1f6ddb5b7ccba2c12265",
  ],
  [
    "responses",
    {
      ...asked,
      instructions: "Be brief.",
      input: messages.slice(1),
      max_output_tokens: 9,
      tools: [{ type: "function", ...tool }],
      text: { format: { type: "json_schema", schema } },
      metadata: { a: "b" },
    },
    "single_5ca74b8b506098755408c39f717d3d46",
  ],
  [
    "messages",
    {
      ...asked,
      system: "Be brief.",
      messages: messages.slice(1),
      max_tokens: 9,
      stop_sequences: ["END"],
      tools: [{ ...tool, input_schema: schema }],
      output_config: { format: { type: "json_schema", schema } },
    },
    "single_66fe371825e61dbcd6e34bc31eaa7f6a",
  ],
  [
    "chat/completions",
    {
      model: "test/m1",
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://a.example/b.png" } }] }],
    },
    "single_a68d846c9c2d6462c9c370e02b81a90e",
  ],
])("a call of /v1/%s with a request id has the same conversation in all versions", async (path, body, id) => {
  await using llm = await startLlmServer(() => answer("{}"));
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app);
  const headers = { "content-type": "application/json", "x-request-id": "r1", "x-mcp-tools": "s.*" };
  const response = await post(`${door.url}/v1/${path}`, body, headers);
  expect(response.headers.get("x-conversation-id")).toBe(id);
});

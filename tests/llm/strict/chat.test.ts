import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
  answer,
  calls,
  type StrictMock,
  says,
  startDeepSeek,
  startOpenAi,
  thinks,
} from "../../support/strict/index.js";
import { type Loose, type RawClient, rawClient } from "./raw-client.js";

let mock: StrictMock;
let client: RawClient;
let deepSeek: StrictMock;

const prompt = { role: "user", content: "add" };
const add = { name: "add", parameters: { type: "object", properties: {} } };
const tool = { type: "function", function: add };
const body = { model: "gpt-5.1", messages: [prompt], tools: [tool] };
const call = { id: "call_1", type: "function", function: { name: "add", arguments: "{}" } };
const calling = { role: "assistant", content: null, tool_calls: [call] };
const result = { role: "tool", tool_call_id: "call_1", content: "4" };
const long = { id: "c".repeat(41) };

beforeAll(async () => {
  mock = await startOpenAi(() => answer("4"));
  client = rawClient(mock, "chat");
  deepSeek = await startDeepSeek(({ results }) =>
    results.length > 0 ? answer(thinks("so"), "4") : answer(thinks("hm"), says("I add."), calls("add")),
  );
});
afterAll(async () => {
  await mock[Symbol.asyncDispose]();
  await deepSeek[Symbol.asyncDispose]();
});

test.each<[string, object, string]>([
  ["an unknown field", { foo: 1 }, "Unknown parameter: 'foo'."],
  ["the reasoning of Responses", { reasoning: { effort: "low" } }, "Unknown parameter: 'reasoning'."],
  ["the limit of Responses", { max_output_tokens: 100 }, "Unknown parameter: 'max_output_tokens'."],
  [
    "DeepSeek's reasoning",
    { messages: [prompt, { ...calling, reasoning_content: "hm" }, result] },
    "Unknown parameter: 'messages[1].reasoning_content'.",
  ],
  [
    "Gemini's signature of a call",
    { messages: [prompt, { ...calling, tool_calls: [{ ...call, extra_content: {} }] }, result] },
    "Unknown parameter: 'messages[1].tool_calls[0].extra_content'.",
  ],
  ["a tool of Responses", { tools: [{ type: "function", ...add }] }, "Unknown parameter: 'tools[0].name'."],
  ["a tool without a function", { tools: [{ type: "function" }] }, "Missing required parameter: 'tools[0].function'."],
  ["no messages", { messages: undefined }, "Missing required parameter: 'messages'."],
  ["no message", { messages: [] }, "Invalid 'messages': empty array."],
  ["no tool in the list", { tools: [] }, "Invalid 'tools': empty array."],
  [
    "more than 128 tools",
    { tools: Array.from({ length: 129 }, () => tool) },
    "Invalid 'tools': array too long. Expected an array with maximum length 128",
  ],
  ["a choice without tools", { tools: undefined, tool_choice: "auto" }, "'tool_choice' is only allowed when 'tools'"],
  [
    "parallel calls without tools",
    { tools: undefined, parallel_tool_calls: false },
    "'parallel_tool_calls' is only allowed when 'tools'",
  ],
  ["an unknown choice", { tool_choice: "any" }, "Invalid value: 'any'."],
  [
    "a choice of an unknown tool",
    { tool_choice: { type: "function", function: { name: "x" } } },
    "Tool choice 'x' not found in 'tools' parameter.",
  ],
  [
    "an array without items",
    {
      tools: [
        {
          type: "function",
          function: { ...add, parameters: { type: "object", properties: { a: { type: "array" } } } },
        },
      ],
    },
    "Invalid schema for function 'add': In context=('properties', 'a'), array schema missing items.",
  ],
  [
    "a part of Responses",
    { messages: [{ role: "user", content: [{ type: "input_text", text: "a" }] }] },
    "Invalid value: 'input_text'.",
  ],
  [
    "a picture as a text",
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: "data:" }] }] },
    "Invalid type for 'messages[0].content[0].image_url': expected an object, but got a string instead.",
  ],
  [
    "a picture in a result",
    { messages: [prompt, calling, { ...result, content: [{ type: "image_url", image_url: { url: "data:" } }] }] },
    "Invalid value: 'image_url'. Supported values are: 'text'.",
  ],
  ["a role that is none", { messages: [{ role: "model", content: "a" }] }, "Invalid value: 'model'."],
  ["a user without words", { messages: [{ role: "user", content: null }] }, "Invalid type for 'messages[0].content'"],
  [
    "an answer without words and calls",
    { messages: [prompt, { role: "assistant", content: null }, prompt] },
    "Invalid type for 'messages[1].content'",
  ],
  [
    "an answer with no call in the list",
    { messages: [{ ...calling, tool_calls: [] }] },
    "Invalid 'messages[0].tool_calls': empty array.",
  ],
  [
    "a long id of a call",
    { messages: [prompt, { ...calling, tool_calls: [{ ...call, ...long }] }, { ...result, tool_call_id: long.id }] },
    "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40",
  ],
  ["a call without result", { messages: [prompt, calling] }, "did not have response messages: call_1"],
  [
    "a result behind another message",
    { messages: [prompt, calling, prompt, result] },
    "did not have response messages",
  ],
  [
    "a result without call",
    { messages: [prompt, result] },
    "must be a response to a preceeding message with 'tool_calls'",
  ],
  [
    "the format of Responses",
    { response_format: { type: "json_schema", name: "a", schema: {} } },
    "Unknown parameter: 'response_format.name'.",
  ],
  [
    "a strict schema that is open",
    { response_format: { type: "json_schema", json_schema: { name: "a", strict: true, schema: { type: "object" } } } },
    "Invalid schema for response_format 'a': In context=(), 'additionalProperties' is required",
  ],
  ["the older limit", { max_tokens: 100 }, "Use 'max_completion_tokens' instead."],
  [
    "a sampling parameter",
    { temperature: 0 },
    "Unsupported parameter: 'temperature' is not supported with this model.",
  ],
  ["tools of a model that takes none here", { model: "gpt-6-astra" }, "Please use /v1/responses instead."],
  ["an unknown model", { model: "gpt-9" }, "The model `gpt-9` does not exist or you do not have access to it."],
])("refused: %s", async (_, change, text) => {
  expect(await client.refusal({ ...body, ...change })).toContain(text);
});

test("accepted: pictures and sound of a user, a named tool, a schema, every parameter of a client", async () => {
  const content = [
    { type: "text", text: "look" },
    { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
  ];
  const { status } = await client.post({
    ...body,
    messages: [{ role: "developer", content: "brief" }, { role: "user", content }, calling, result],
    tool_choice: { type: "function", function: { name: "add" } },
    parallel_tool_calls: false,
    response_format: { type: "json_schema", json_schema: { name: "a", schema: { type: "object" }, strict: false } },
    reasoning_effort: "low",
    max_completion_tokens: 100,
    prompt_cache_key: "k",
    seed: 1,
    user: "u",
  });
  expect(status).toBe(200);
});

test.each([false, true])("DeepSeek demands the reasoning of a call back, streamed: %p", async (isStreamed) => {
  const { refusal, post, stream } = rawClient(deepSeek, "chat");
  const asked = { ...body, model: "deepseek-flash" };
  const delta = async () => {
    const chunks = (await stream(asked)).filter(({ choices }) => choices?.length > 0);
    const joined = (key: string) => chunks.map(({ choices }) => choices[0].delta[key] ?? "").join("");
    const toolCalls = chunks.flatMap(({ choices }) => choices[0].delta.tool_calls ?? []);
    const { id } = toolCalls[0];
    return {
      reasoning_content: joined("reasoning_content"),
      content: joined("content"),
      tool_calls: [{ ...call, id }],
    };
  };
  const { reasoning_content, ...rest } = isStreamed ? await delta() : (await post(asked)).body.choices[0].message;
  const said: Loose = { role: "assistant", content: rest.content, tool_calls: rest.tool_calls };
  expect([reasoning_content, said.content]).toEqual(["hm", "I add."]);
  const answered = { ...result, tool_call_id: said.tool_calls[0].id };
  const again = (message: object) => ({ ...asked, messages: [prompt, message, answered] });
  expect(await refusal(again(said))).toContain("must be passed back");
  await post(again({ ...said, reasoning_content: "so" }));
  await post(again({ ...said, reasoning_content }));
  expect(deepSeek.hops.slice(-2).map(({ lostReasoning }) => lostReasoning)).toEqual([[answered.tool_call_id], []]);
  const picture = { role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] };
  expect(await refusal({ ...asked, messages: [picture] })).toContain("unknown variant");
});

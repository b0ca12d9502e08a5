import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { answer, calls, ending, type StrictMock, says, startOpenAi, thinks } from "../../support/strict/index.js";
import { type Loose, type RawClient, rawClient } from "./raw-client.js";

let mock: StrictMock;
let client: RawClient;
let keep: Loose;

const model = "gpt-5.6-sol";
const prompt = { role: "user", content: "add" };
const closed = { type: "object", properties: {}, required: [], additionalProperties: false };
const tool = { type: "function", name: "add", parameters: closed };
const body = { model, store: false, tools: [tool] };
const output = (call: Loose, text: unknown = "4") => ({
  type: "function_call_output",
  call_id: call.call_id,
  output: text,
});

/** Answers every prompt with reasoning and a call, and every result with reasoning and text. */
beforeAll(async () => {
  mock = await startOpenAi(({ results }) =>
    results.length > 0 ? answer(thinks("so"), says("4")) : answer(thinks("hm"), calls("add", { a: 2 })),
  );
  client = rawClient(mock, "responses");
  const [reasoning, call] = (await client.post({ ...body, input: [prompt] })).body.output;
  keep = { reasoning, call, result: output(call) };
});

afterAll(async () => mock[Symbol.asyncDispose]());

test.each<[string, object, string]>([
  ["an unknown field", { foo: 1 }, "Unknown parameter: 'foo'."],
  ["an unknown field inside", { input: [{ ...prompt, foo: 1 }] }, "Unknown parameter: 'input[0].foo'."],
  [
    "Chat's max_tokens",
    { max_tokens: 100 },
    "Unsupported parameter: 'max_tokens'. In the Responses API, this parameter has moved to 'max_output_tokens'.",
  ],
  ["Chat's messages", { messages: [] }, "has moved to 'input'."],
  ["Chat's response_format", { response_format: {} }, "has moved to 'text.format'."],
  ["Chat's reasoning_effort", { reasoning_effort: "low" }, "has moved to 'reasoning.effort'."],
  ["no input", { input: undefined }, "Missing required parameter: 'input'."],
  ["a nested tool", { tools: [{ type: "function", function: tool }] }, "Missing required parameter: 'tools[0].name'."],
  [
    "strict left out and an open object",
    { tools: [{ ...tool, parameters: { type: "object", properties: {} } }] },
    "Invalid schema for function 'add': In context=(), 'additionalProperties' is required to be supplied and to be false.",
  ],
  [
    "strict left out and an optional property",
    { tools: [{ ...tool, parameters: { ...closed, properties: { a: { type: "number" } } } }] },
    "'required' is required to be supplied and to be an array including every key in properties. Missing 'a'.",
  ],
  [
    "an array without items, also where strict is false",
    { tools: [{ ...tool, strict: false, parameters: { type: "object", properties: { a: { type: "array" } } } }] },
    "Invalid schema for function 'add': In context=('properties', 'a'), array schema missing items.",
  ],
  [
    "a top-level anyOf",
    { tools: [{ ...tool, strict: false, parameters: { type: "object", anyOf: [] } }] },
    "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
  ],
  [
    "a schema without type",
    { tools: [{ ...tool, strict: false, parameters: {} }] },
    "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.",
  ],
  [
    "a name with a dot",
    { tools: [{ ...tool, name: "a.b" }] },
    "Invalid 'tools[0].name': string does not match pattern.",
  ],
  [
    "a long name",
    { tools: [{ ...tool, name: "a".repeat(65) }] },
    "with maximum length 64, but got a string with length 65",
  ],
  ["129 tools", { tools: Array.from({ length: 129 }, () => tool) }, "Invalid 'tools': array too long."],
  [
    "input_text in an assistant message",
    { input: [prompt, { role: "assistant", content: [{ type: "input_text", text: "x" }] }] },
    "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
  ],
  [
    "output_text in a user message",
    { input: [{ role: "user", content: [{ type: "output_text", text: "x" }] }] },
    "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', 'input_file'.",
  ],
  [
    "image_url as an object",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: { url: "data:image/png;base64,AA" } }] }] },
    "Invalid type for 'input[0].content[0].image_url': expected an image URL, but got an object instead.",
  ],
  [
    "an id with a wrong prefix",
    { input: [prompt, { type: "function_call", id: "call_1", call_id: "call_1", name: "add", arguments: "{}" }] },
    "Invalid 'input[1].id': 'call_1'. Expected an ID that begins with 'fc'.",
  ],
  ["a tool without type", { tools: [{ name: "add" }] }, "Missing required parameter: 'tools[0].type'."],
  ["a type of every object", { input: [{ type: "constructor" }] }, "Invalid value: 'constructor'."],
  [
    "a number as text",
    { temperature: "0" },
    "Invalid type for 'temperature': expected a number, but got a string instead.",
  ],
  [
    "a text as a number",
    { input: [{ role: "user", content: [{ type: "input_text", text: 1 }] }] },
    "Invalid type for 'input[0].content[0].text': expected a string, but got a number instead.",
  ],
  [
    "a part without text",
    { input: [{ role: "user", content: [{ type: "input_text" }] }] },
    "Missing required parameter: 'input[0].content[0].text'.",
  ],
  [
    "a schema that is none",
    { tools: [{ ...tool, strict: false, parameters: { type: "object", required: true } }] },
    "Invalid schema for function 'add': /required: must be array",
  ],
  ["a role of Chat", { input: [prompt, { role: "tool", content: "4" }] }, "Invalid value: 'tool'."],
  ["few tokens", { max_output_tokens: 15 }, "Expected a value >= 16, but got 15 instead."],
  [
    "a call without output",
    { input: [prompt, { type: "function_call", call_id: "call_1", name: "add", arguments: "{}" }] },
    "No tool output found for function call call_1.",
  ],
  [
    "an output without call",
    { input: [prompt, { type: "function_call_output", call_id: "call_2", output: "4" }] },
    "No tool call found for function call output with call_id call_2.",
  ],
  ["a long cache key", { prompt_cache_key: "k".repeat(65) }, "Invalid 'prompt_cache_key': string too long."],
  [
    "a sampling parameter",
    { temperature: 0 },
    "Unsupported parameter: 'temperature' is not supported with this model.",
  ],
  ["an earlier response", { previous_response_id: "resp_1" }, "Previous response with id 'resp_1' not found."],
  [
    "Chat's tool_choice",
    { tool_choice: { type: "function", function: { name: "add" } } },
    "Unknown parameter: 'tool_choice.function'.",
  ],
  [
    "a choice of an unknown tool",
    { tool_choice: { type: "function", name: "x" } },
    "Tool choice 'x' not found in 'tools' parameter.",
  ],
  [
    "Chat's json_schema",
    { text: { format: { type: "json_schema", json_schema: { name: "x", schema: closed } } } },
    "Unknown parameter: 'text.format.json_schema'.",
  ],
  [
    "a format without name",
    { text: { format: { type: "json_schema", schema: closed } } },
    "Missing required parameter: 'text.format.name'.",
  ],
  [
    "an effort that the model lacks",
    { reasoning: { effort: "minimal" } },
    "Unsupported value: 'minimal' is not supported with the 'gpt-5.6-sol' model. Supported values are: 'none', 'low', 'medium', 'high', 'xhigh', and 'max'.",
  ],
  [
    "none at gpt-6-astra",
    { model: "gpt-6-astra", reasoning: { effort: "none" } },
    "Unsupported value: 'none' is not supported with the 'gpt-6-astra' model.",
  ],
  [
    "an effort of a model that does not reason",
    { model: "gpt-4.1", reasoning: { effort: "low" } },
    "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
  ],
  [
    "encrypted content of a model that does not reason",
    { model: "gpt-4.1", include: ["reasoning.encrypted_content"] },
    "Encrypted content is not supported with this model.",
  ],
  [
    "a short cache life",
    { prompt_cache_retention: "in_memory" },
    "This model is compatible only with 24h extended prompt caching",
  ],
  ["an unknown model", { model: "gpt-9" }, "The model `gpt-9` does not exist or you do not have access to it."],
])("refused: %s", async (_, change, text) => {
  expect(await client.refusal({ ...body, input: [prompt], ...change })).toContain(text);
});

test("accepted: sampling without reasoning, an open schema with strict false, an allowed list of tools", async () => {
  for (const change of [
    { temperature: 0, reasoning: { effort: "none" } },
    { model: "gpt-4.1", temperature: 0 },
    { tools: [{ ...tool, strict: false, parameters: { type: "object", properties: { a: {} } } }] },
    { tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "add" }] } },
    { input: [prompt, { role: "assistant", content: "text" }, prompt] },
    { input: "text" },
  ])
    expect((await client.post({ ...body, input: [prompt], ...change })).status).toBe(200);
});

test("reasoning comes back byte for byte, in its place, or not at all", async () => {
  const { reasoning, call, result } = keep;
  const refused = (...items: Loose[]) => client.refusal({ ...body, input: [prompt, ...items] });
  const { id: _, ...withoutId } = call;
  expect(await refused(reasoning, prompt)).toBe(
    `Item '${reasoning.id}' of type 'reasoning' was provided without its required following item.`,
  );
  expect(await refused(reasoning, withoutId, { ...reasoning }, result)).toContain(
    "without its required following item",
  );
  expect(await refused(call, result)).toBe(
    `Item '${call.id}' of type 'function_call' was provided without its required 'reasoning' item: '${reasoning.id}'.`,
  );
  const { encrypted_content, ...bare } = reasoning;
  expect(await refused(bare, call, result)).toContain(`Item with id '${reasoning.id}' not found.`);
  const changed = { ...reasoning, encrypted_content: encrypted_content.slice(0, -4) };
  expect(await refused(changed, call, result)).toBe(
    `The encrypted content for item ${reasoning.id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
  );
  expect(await refused({ ...reasoning, id: "rs_other" }, call, result)).toContain(
    "item_id did not match the target item id.",
  );
  const input = [prompt, reasoning, call, result];
  expect(await client.refusal({ ...body, input }, { authorization: "Bearer other" })).toContain(
    "organization_id did not match the target organization.",
  );
  expect(await client.refusal({ ...body, model: "gpt-5.5", input })).toContain("could not be verified");
  expect(mock.refusals.at(-1)?.code).toBe("invalid_encrypted_content");
  // Accepted: all items, all items at another model of the family, and no reasoning if the other items have no ids.
  for (const change of [{}, { model: "gpt-5.6-luna" }, { input: [prompt, withoutId, result] }])
    expect((await client.post({ ...body, input, ...change })).status).toBe(200);
  expect(mock.hops.at(-2)?.lostReasoning).toEqual([]);
  expect(mock.hops.at(-1)?.lostReasoning).toEqual([reasoning.id]);
});

test("reasoning that was cut off by length does not go back", async () => {
  await using cut = await startOpenAi([ending("length", thinks("hm"))]);
  const other = rawClient(cut, "responses");
  const { output: items } = (await other.post({ ...body, input: [prompt] })).body;
  expect(await other.refusal({ ...body, input: [prompt, ...items, prompt] })).toContain(
    "without its required following item",
  );
});

test("a message without its phase is a warning", async () => {
  const { reasoning, call, result } = keep;
  const input = [prompt, reasoning, call, result];
  const [thought, message] = (await client.post({ ...body, input })).body.output;
  const { phase, ...without } = message;
  expect(phase).toBe("final_answer");
  await client.post({ ...body, input: [...input, thought, message, prompt] });
  expect(mock.hops.at(-1)?.warnings).toEqual([]);
  await client.post({ ...body, input: [...input, thought, without, prompt] });
  expect(mock.hops.at(-1)?.warnings).toEqual(["the phase final_answer was not sent back"]);
});

test("an unknown key, a prompt that is too long and a body that is not valid JSON are refused", async () => {
  await using small = await startOpenAi([], { keys: { good: "a" }, contextWindow: 10 });
  const other = rawClient(small, "responses");
  const bad = await other.post({ ...body, input: [prompt] });
  expect(bad).toMatchObject({ status: 401, body: { error: { code: "invalid_api_key" } } });
  expect(bad.headers.get("x-request-id")).toMatch(/^req_/);
  const good = { authorization: "Bearer good" };
  expect(await other.refusal({ ...body, input: [prompt] }, good)).toContain("exceeds the context window");
  const response = await fetch(`${small.url}/responses`, { method: "POST", body: "{", headers: good });
  expect(response.status).toBe(400);
});

test("tools on /v1/chat/completions by model", async () => {
  const chat = rawClient(mock, "chat");
  const ask = (name: string, more: object = {}) => ({
    model: name,
    messages: [prompt],
    tools: [{ type: "function", function: { name: "add", parameters: { type: "object" } } }],
    ...more,
  });
  const refused = "Function tools with reasoning_effort are not supported for";
  expect(await chat.refusal(ask("gpt-5.4", { reasoning_effort: "low" }))).toBe(
    `${refused} gpt-5.4 in /v1/chat/completions. Please use /v1/responses instead.`,
  );
  expect(await chat.refusal(ask("gpt-5.6-sol"))).toBe(
    `${refused} gpt-5.6-sol in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
  );
  expect(await chat.refusal(ask("gpt-6-astra", { reasoning_effort: "none" }))).toContain("Unsupported value: 'none'");
  expect(await chat.refusal(ask("gpt-6.1-sol"))).toContain("Please use /v1/responses instead.");
  expect(await chat.refusal(ask("gpt-5.3-codex"))).toContain("only supported in v1/responses");
  for (const accepted of [ask("gpt-5.1"), ask("gpt-5.4"), ask("gpt-5.6-sol", { reasoning_effort: "none" })])
    expect((await chat.post(accepted)).status).toBe(200);
  expect((await chat.post({ ...ask("gpt-6-astra"), tools: undefined })).status).toBe(200);
});

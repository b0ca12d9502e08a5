import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { JsonObject } from "../../../../src/core/json.js";
import type { CompletionRequest, Message } from "../../../../src/core/messages.js";
import { failure, json, startLlmServer } from "../../../support/llm-server.js";
import { answer, calls, startAnthropic, thinks } from "../../../support/strict/index.js";
import { loopTools, messagesClient, resultsOf, runLoop, system, user } from "./loop.js";

const answered = json({
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "ok" }],
  stop_reason: "end_turn",
});
const image: Message = {
  role: "tool",
  toolCallId: "call.1",
  content: [{ type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" }],
  isError: false,
  found: ["late"],
};
const baseRequest: CompletionRequest = {
  messages: [
    system,
    user("look"),
    { role: "assistant", content: "", toolCalls: [{ id: "call.1", name: "look", arguments: "{}" }] },
    image,
  ],
  tools: [
    ...loopTools,
    { name: "late", description: "", inputSchema: { type: "object", properties: { a: { const: 1 } } } },
  ],
  parallelToolCalls: false,
};

interface Refusal {
  text: string;
  provider?: ProviderConfig;
  request?: Partial<CompletionRequest>;
  of: (body: JsonObject) => unknown;
  before: unknown;
  after: unknown;
  note: RegExp;
}

const marks = (body: JsonObject) => JSON.stringify(body).split('"cache_control"').length - 1;
const toolsOf = ({ tools }: JsonObject) =>
  tools as { defer_loading?: boolean; input_schema: { properties: { a?: unknown } } }[];
const other = { model: "glm-5" };

const refusals: Refusal[] = [
  {
    text: "`temperature` is deprecated for this model.",
    provider: { temperature: 0.5, topP: 0.9, model: "claude-sonnet-4-5" },
    of: ({ temperature, top_p }) => [temperature, top_p],
    before: [0.5, undefined],
    after: [undefined, undefined],
    note: /temperature or top_p is refused/,
  },
  {
    text: "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    provider: { ...other, temperature: 0.5, topP: 0.9 },
    of: ({ temperature, top_p }) => [temperature, top_p],
    before: [0.5, 0.9],
    after: [0.5, undefined],
    note: /leaving out top_p/,
  },
  {
    text: '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    provider: { ...other, reasoning: { effort: "high" } },
    request: { messages: [user("hi")] },
    of: ({ thinking, output_config }) => [thinking, output_config],
    before: [{ type: "enabled", budget_tokens: 16_000 }, undefined],
    after: [{ type: "adaptive" }, { effort: "high" }],
    note: /adaptive thinking from now on/,
  },
  {
    text: "adaptive thinking is not supported on this model",
    provider: { model: "claude-haiku-6", reasoning: { effort: "medium" } },
    request: { messages: [user("hi")] },
    of: ({ thinking }) => thinking,
    before: { type: "adaptive", display: "summarized" },
    after: { type: "enabled", budget_tokens: 8192 },
    note: /sending a budget/,
  },
  {
    text: '"thinking.type.disabled" is not supported for this model.',
    provider: { model: "claude-opus-5-5", reasoning: { effort: "none" } },
    of: ({ thinking, output_config }) => [thinking, output_config],
    before: [{ type: "disabled" }, undefined],
    after: [undefined, { effort: "low" }],
    note: /thinking cannot be switched off/,
  },
  {
    text: "This model does not support the effort parameter.",
    provider: { model: "claude-opus-5", reasoning: { effort: "high" } },
    of: ({ output_config }) => output_config,
    before: { effort: "high" },
    after: undefined,
    note: /the effort is refused/,
  },
  {
    text: "output_config.format.schema: For 'object' type, recursive schemas are not supported",
    provider: { model: "claude-opus-5", reasoning: { effort: "high" } },
    request: { output: { jsonSchema: { type: "object", properties: { a: {} } } } },
    of: ({ output_config }) => output_config,
    before: {
      effort: "high",
      format: { type: "json_schema", schema: { type: "object", properties: { a: {} }, additionalProperties: false } },
    },
    after: { effort: "high" },
    note: /the schema of the answer is refused/,
  },
  {
    text: "thinking.adaptive.display: Extra inputs are not permitted",
    provider: { model: "claude-opus-5" },
    of: ({ thinking }) => thinking,
    before: { type: "adaptive", display: "summarized" },
    after: { type: "adaptive" },
    note: /thinking.display is refused/,
  },
  {
    text: "system.0.cache_control: Extra inputs are not permitted",
    of: marks,
    before: 2,
    after: 0,
    note: /cache_control is refused/,
  },
  {
    text: "tools.1.custom.defer_loading: Extra inputs are not permitted",
    provider: { model: "claude-opus-5" },
    of: (body) => [toolsOf(body)[1]?.defer_loading, JSON.stringify(body).includes("tool_reference")],
    before: [true, true],
    after: [undefined, false],
    note: /defer_loading is refused/,
  },
  {
    text: "tool_choice.auto.disable_parallel_tool_use: Extra inputs are not permitted",
    of: ({ tool_choice }) => tool_choice,
    before: { type: "auto", disable_parallel_tool_use: true },
    after: undefined,
    note: /disable_parallel_tool_use is refused/,
  },
  {
    text: "Thinking may not be enabled when tool_choice forces tool use.",
    request: { toolChoice: "required" },
    of: ({ tool_choice }) => tool_choice,
    before: { type: "any", disable_parallel_tool_use: true },
    after: { type: "auto", disable_parallel_tool_use: true },
    note: /a tool that has to be called is refused/,
  },
  {
    text: "tool_choice is not supported",
    request: { toolChoice: "none" },
    of: ({ tool_choice }) => tool_choice,
    before: { type: "none" },
    after: undefined,
    note: /tool_choice is refused/,
  },
  {
    text: "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude-opus-9",
    provider: { model: "claude-opus-9" },
    of: ({ max_tokens }) => max_tokens,
    before: 32_000,
    after: 8192,
    note: /answers have at most 8192 tokens/,
  },
  {
    text: "Invalid max_tokens value, the valid range of max_tokens is [1, 65536]",
    provider: { ...other, maxTokens: 100_000 },
    of: ({ max_tokens }) => max_tokens,
    before: 100_000,
    after: 65_536,
    note: /answers have at most 65536 tokens/,
  },
  {
    text: "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    provider: other,
    of: ({ max_tokens }) => max_tokens,
    before: 32_000,
    after: 8192,
    note: /answers have at most 8192 tokens/,
  },
  {
    text: "image content is not supported by this model",
    of: (body) => JSON.stringify(body).includes('"image"'),
    before: true,
    after: false,
    note: /a picture is refused/,
  },
  {
    text: "The content[].thinking in the thinking mode must be passed back to the API.",
    provider: other,
    of: ({ messages }) => (messages as { content: { type: string }[] }[])[1]?.content[0],
    before: { type: "tool_use", id: expect.any(String), name: "look", input: {} },
    after: { type: "thinking", thinking: "", signature: "" },
    note: /thinking is wanted/,
  },
  {
    text: "tools.1.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12",
    of: (body) => toolsOf(body)[1]?.input_schema.properties.a,
    before: { const: 1 },
    after: { type: "number", description: "One of 1" },
    note: /plain schemas/,
  },
];

test.each(refusals)("learns from: $text", async ({ text, provider = {}, request, of, before, after, note }) => {
  const refusal = { type: "error", error: { type: "invalid_request_error", message: text }, request_id: "req_1" };
  await using server = await startLlmServer([failure(400, { body: refusal }), answered, answered]);
  await using client = messagesClient(server, { contextWindow: 200_000, ...provider });
  const asked = { ...baseRequest, ...request };
  expect(await client.ask({ streaming: false }, asked)).toMatchObject({ attempts: 2, message: { content: "ok" } });
  await client.ask({ streaming: false }, asked);
  expect(server.requests.map(({ body }) => of(body as JsonObject))).toEqual([before, after, after]);
  expect(client.observed.map(({ message }) => message).join("\n")).toMatch(note);
});

test("a tool whose schema is refused as a plain one too is left out", async () => {
  const message = "tools.1.custom.input_schema: JSON schema is invalid.";
  const refusal = failure(400, { body: { type: "error", error: { type: "invalid_request_error", message } } });
  await using server = await startLlmServer([refusal, refusal, answered]);
  await using client = messagesClient(server);
  await client.ask({ streaming: false }, baseRequest);
  expect(server.requests.map(({ body }) => (body as { tools?: unknown[] }).tools?.length)).toEqual([2, 2, 1]);
});

/** Changes to sent-back thinking that the vendor refuses; the strict mock itself refuses each one. */
test.each<[string, (messages: Message[]) => void]>([
  [
    "the system prompt was changed, to which a thought is bound",
    (messages) => {
      messages[0] = { role: "system", content: "You are another one." };
    },
  ],
  [
    "a signature is not the provider's",
    (messages) => {
      const text = JSON.stringify(messages[2]).replace(/"signature":"[^"]*"/, '"signature":"AAAA"');
      messages[2] = JSON.parse(text) as Message;
    },
  ],
  [
    "a thought was changed",
    (messages) => {
      messages[2] = JSON.parse(JSON.stringify(messages[2]).replace('"thinking":"hm"', '"thinking":"so"')) as Message;
    },
  ],
])("where %s, the conversation goes on without thinking, once and for good", async (_name, change) => {
  await using mock = await startAnthropic([
    answer(thinks("hm"), calls("calc__add")),
    answer(thinks("more"), "done"),
    answer("again"),
  ]);
  await using client = messagesClient(mock, { model: "claude-opus-5-5" });
  const messages = [system, user("go")];
  const { message } = await client.ask({ streaming: true }, { messages, tools: loopTools });
  messages.push(message, ...resultsOf(message, () => "3"));
  change(messages);
  const second = await client.ask({ streaming: true }, { messages, tools: loopTools });
  expect(second).toMatchObject({ attempts: 2, message: { content: "done" } });
  await client.ask({ streaming: true }, { messages: [...messages, second.message, user("and?")], tools: loopTools });
  expect(mock.refusals).toHaveLength(1);
  const thoughts = mock.requests.map(({ text }) => text.split('"thinking":"').length - 1);
  expect(thoughts).toEqual([0, 1, 0, 1]);
  const said = client.observed.filter(({ level }) => level === "warn").map(({ message }) => message);
  expect(said).toEqual([
    "test: the signed reasoning and the ids of earlier answers are refused; leaving them out of this conversation from now on",
  ]);
  expect(JSON.stringify(client.observed)).not.toMatch(/EqQBCgIY|signature/);
});

test("a budget for thinking waits for the next turn where the round of tools began without it", async () => {
  const steps = [answer(thinks("x"), calls("calc__add")), answer(thinks("y"), "done"), answer(thinks("z"), "fine")];
  await using mock = await startAnthropic(steps);
  await using client = messagesClient(mock, { model: "claude-haiku-4-5", reasoning: { effort: "low" } });
  const foreign: Message = {
    role: "assistant",
    content: "",
    toolCalls: [{ id: "call_9", name: "calc__add", arguments: "{}" }],
  };
  const messages: Message[] = [system, user("go"), foreign, ...resultsOf(foreign, () => "3")];
  await runLoop(client, messages);
  messages.push(user("and now?"));
  await runLoop(client, messages);
  expect(mock.refusals).toEqual([]);
  expect(mock.requests.map(({ body }) => body.thinking !== undefined)).toEqual([false, false, true]);
});

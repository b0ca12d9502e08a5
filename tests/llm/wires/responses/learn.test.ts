import { expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { CompletionRequest } from "../../../../src/core/messages.js";
import { resolveModel } from "../../../../src/llm/providers/providers.js";
import { responses } from "../../../../src/llm/wires/responses/responses-wire.js";
import { llmConfig } from "../../../support/llm-config.js";
import { failure, json, type LlmRequest, startLlmServer } from "../../../support/llm-server.js";
import { clientOf, clientWith } from "../../client-of.js";
import { tool, user } from "./loop-client.js";

const answered = json({
  object: "response",
  status: "completed",
  output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "ok", annotations: [] }] }],
});

const baseRequest: CompletionRequest = {
  messages: [
    { role: "system", content: "be kind" },
    user("look"),
    { role: "assistant", content: "I look.", toolCalls: [{ id: "call_1", name: "read", arguments: "{}" }] },
    {
      role: "tool",
      toolCallId: "call_1",
      content: [{ type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" }],
      isError: false,
      found: ["late"],
    },
  ],
  tools: [tool, { ...tool, name: "late", inputSchema: { type: "object", properties: { a: { const: 1 } } } }],
  conversation: "conv_1",
  parallelToolCalls: false,
};

const openAi = (message: string, fields: object = {}) => ({
  error: { message, type: "invalid_request_error", ...fields },
});
const unsupported = (param: string) =>
  openAi(`Unsupported parameter: '${param}' is not supported with this model.`, {
    param,
    code: "unsupported_parameter",
  });
const unknown = (param: string) => openAi(`Unknown parameter: '${param}'.`, { param, code: "unknown_parameter" });

type Body = LlmRequest["body"];
const inputOf = ({ input }: Body) =>
  (input ?? []) as { type?: string; role?: string; output?: unknown; content?: unknown }[];

interface Refusal {
  name: string;
  provider?: ProviderConfig;
  request?: Partial<CompletionRequest>;
  status?: number;
  body: unknown;
  of: (body: Body) => unknown;
  before: unknown;
  after: unknown;
  note: string;
}

const image = { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" };

test.each<Refusal>([
  {
    name: "include, of a model that does not reason",
    provider: { model: "a-deployment" },
    body: openAi("Encrypted content is not supported with this model.", { param: "include" }),
    of: ({ include }) => include,
    before: ["reasoning.encrypted_content"],
    after: undefined,
    note: "include is refused; leaving it out from now on",
  },
  {
    name: "sampling",
    provider: { model: "a-deployment", temperature: 0.5 },
    body: unsupported("temperature"),
    of: ({ temperature }) => temperature,
    before: 0.5,
    after: undefined,
    note: "temperature and top_p are refused; leaving them out from now on",
  },
  {
    name: "store, in the words of vLLM",
    body: { detail: [{ type: "extra_forbidden", loc: ["body", "store"], msg: "Extra inputs are not permitted" }] },
    of: ({ store }) => store,
    before: false,
    after: undefined,
    note: "store is refused; leaving it out from now on",
  },
  {
    name: "the cache key, in the words of Groq",
    body: openAi("property 'prompt_cache_key' is unsupported"),
    of: ({ prompt_cache_key }) => prompt_cache_key,
    before: "conv_1",
    after: undefined,
    note: "prompt_cache_key is refused; leaving it out from now on",
  },
  {
    name: "stream_options",
    body: unknown("stream_options"),
    of: ({ stream_options }) => stream_options,
    before: { include_obfuscation: false },
    after: undefined,
    note: "stream_options is refused; leaving it out from now on",
  },
  {
    name: "parallel_tool_calls",
    body: unsupported("parallel_tool_calls"),
    of: ({ parallel_tool_calls }) => parallel_tool_calls,
    before: false,
    after: undefined,
    note: "parallel_tool_calls is refused; leaving it out from now on",
  },
  {
    name: "max_output_tokens",
    request: { maxTokens: 5 },
    body: unsupported("max_output_tokens"),
    of: ({ max_output_tokens }) => max_output_tokens,
    before: 16,
    after: undefined,
    note: "max_output_tokens is refused; leaving it out from now on",
  },
  {
    name: "summaries, of an organisation that is not verified",
    provider: { reasoning: { effort: "high" } },
    body: openAi("Your organization must be verified to generate reasoning summaries.", { param: "reasoning.summary" }),
    of: ({ reasoning }) => reasoning,
    before: { effort: "high", summary: "auto" },
    after: { effort: "high" },
    note: "summaries of reasoning are refused; leaving reasoning.summary out from now on",
  },
  {
    name: "reasoning, of a model that has none",
    provider: { model: "a-deployment", reasoning: { effort: "high" } },
    body: unsupported("reasoning.effort"),
    of: ({ reasoning }) => reasoning,
    before: { effort: "high" },
    after: undefined,
    note: "reasoning is refused; leaving it out from now on",
  },
  {
    name: "the role developer",
    body: openAi("Invalid value: 'developer'. Supported values are: 'assistant', 'system', and 'user'.", {
      param: "input[0].role",
    }),
    of: (body) => inputOf(body)[0]?.role,
    before: "developer",
    after: "system",
    note: "the role developer is refused; sending system from now on",
  },
  {
    name: "the role system",
    provider: { model: "a-deployment" },
    body: openAi("Unsupported value: 'input[0].role' does not support 'system' with this model.", {
      param: "input[0].role",
    }),
    of: (body) => inputOf(body)[0]?.role,
    before: "system",
    after: "developer",
    note: "the role system is refused; sending developer from now on",
  },
  {
    name: "strict",
    body: unknown("tools[0].strict"),
    of: ({ tools }) => (tools as { strict?: boolean }[] | undefined)?.[0]?.strict,
    before: false,
    after: undefined,
    note: "strict is refused; leaving it out from now on",
  },
  {
    name: "tools in the middle",
    body: openAi("Invalid value: 'additional_tools'. Supported values are: 'message', 'function_call'.", {
      param: "input[4].type",
    }),
    of: ({ tools }) => (tools as { name: string }[] | undefined)?.map(({ name }) => name),
    before: ["read"],
    after: ["read", "late"],
    note: "additional_tools is refused; leaving it out from now on",
  },
  {
    name: "images in results, in the words of llama.cpp",
    provider: { model: "a-deployment" },
    body: {
      error: { code: 400, message: "Output of tool call should be 'Input text'", type: "invalid_request_error" },
    },
    of: (body) =>
      inputOf(body)
        .slice(-2)
        .map(({ output, content }) => output ?? content),
    before: [undefined, [image]],
    after: [
      "(1 attachment(s) in the next user message)",
      [{ type: "input_text", text: "From the tool call call_1:" }, image],
    ],
    note: "images in the results of tools are refused; sending them in a user message from now on",
  },
  {
    name: "images",
    body: openAi("This model does not support image inputs."),
    of: (body) => inputOf(body).find(({ type }) => type === "function_call_output")?.output,
    before: [image],
    after: "[image image/png, 9 bytes: it is in the log, but you cannot take it]",
    note: "images are refused; sending a note in their place from now on",
  },
  {
    name: "a stream",
    body: openAi("Your organization must be verified to stream this model. Please go to: https://example.test", {
      param: "stream",
      code: "unsupported_value",
    }),
    of: ({ stream, stream_options }) => [stream, stream_options],
    before: [true, { include_obfuscation: false }],
    after: [false, undefined],
    note: "streaming is refused; asking for whole answers from now on",
  },
  {
    name: "tool_choice none",
    request: { toolChoice: "none" },
    body: openAi("tool_choice must be 'auto'.", { param: "tool_choice" }),
    of: ({ tools, tool_choice }) => [tools !== undefined, tool_choice],
    before: [true, "none"],
    after: [false, undefined],
    note: "tool_choice none is refused; sending no tools from now on where calls are forbidden",
  },
  {
    name: "a schema of the answer",
    request: { output: { jsonSchema: { type: "object" }, name: "sum" } },
    body: openAi("Invalid schema for response_format 'sum': 'additionalProperties' is required.", {
      param: "text.format.schema",
    }),
    of: ({ text }) => text,
    before: { format: { type: "json_schema", name: "sum", schema: { type: "object" }, strict: false } },
    after: undefined,
    note: "a schema of the answer is refused; describing it in the prompt from now on",
  },
  {
    name: "more tools than it takes",
    request: { tools: [tool, { ...tool, name: "second" }] },
    body: openAi(
      "Invalid 'tools': array too long. Expected an array with maximum length 1, but got length 2 instead.",
      {
        code: "array_above_max_length",
      },
    ),
    of: ({ tools }) => tools?.length,
    before: 2,
    after: 1,
    note: "more than 1 tools are refused; sending the first 1 from now on",
  },
  {
    name: "a schema",
    body: openAi("Invalid schema for function 'late': In context=(), 'const' is not permitted.", {
      param: "tools[1].parameters",
    }),
    of: (body) => JSON.stringify(body).includes('"const"'),
    before: true,
    after: false,
    note: "a tool's schema is refused; sending plain schemas from now on",
  },
])(
  "$name: is learnt from the refusal, once",
  async ({ provider, request, status = 400, body, of, before, after, note }) => {
    await using server = await startLlmServer([failure(status, { body }), answered, answered]);
    await using tested = clientOf(server, {}, { wire: "responses", model: "gpt-5.6-sol", ...provider });
    const asked = { ...baseRequest, ...request };
    const completion = await tested.ask({ streaming: true }, asked);
    expect(completion).toMatchObject({ message: { content: "ok" }, attempts: 2 });
    await tested.ask({ streaming: true }, asked);
    expect(server.requests.map((one) => of(one.body))).toEqual([before, after, after]);
    expect(tested.observed.map(({ message }) => message)).toContain(`test: ${note}`);
  },
);

test("a tool in the middle of the conversation that is refused in every form is left out, and no other one", async () => {
  const refused = (message: string) =>
    failure(400, { body: openAi(message, { param: "input[4].tools[0].parameters" }) });
  const said = "Invalid schema for function 'late': In context=('properties', 'a'), array schema missing items.";
  await using server = await startLlmServer([refused(said), refused(said), answered]);
  await using tested = clientOf(server, {}, { wire: "responses", model: "gpt-5.6-sol" });
  await tested.ask({ streaming: true }, baseRequest);
  const { tools, input } = server.requests[2]?.body ?? {};
  expect(tools).toMatchObject([{ name: "read" }]);
  expect(JSON.stringify(input)).not.toContain("additional_tools");
});

test("an effort that the model does not have is an error, and is not left out", async () => {
  const said =
    "Unsupported value: 'none' is not supported with the 'gpt-6-astra' model. Supported values are: 'low' and 'high'.";
  await using server = await startLlmServer([failure(400, { body: openAi(said, { param: "reasoning.effort" }) })]);
  await using tested = clientOf(server, {}, { wire: "responses", model: "gpt-6-astra", reasoning: { effort: "none" } });
  expect(await tested.fails({ streaming: true })).toMatchObject({
    kind: "bad_request",
    message: expect.stringContaining(said),
  });
});

test.each([
  ["gpt-5.6-sol", [{ content: "one" }, { content: "two" }]],
  ["a-deployment", [{ content: "one\ntwo" }]],
])("two user messages in a row reach %s as %j", (name, expected) => {
  const { provider, model } = resolveModel(
    llmConfig("https://example.com/v1", {}, { wire: "responses", model: name }),
    {},
  );
  const target = { provider, model, streaming: true, quirks: responses.quirks(provider, model), kept: () => undefined };
  const { body } = responses.request({ messages: [user("one"), user("two")], tools: [] }, target);
  expect(body.input).toMatchObject(expected);
});

test.each([
  ["api.groq.com", { store: undefined, include: undefined, prompt_cache_key: undefined }],
  ["example.com", { store: false, include: ["reasoning.encrypted_content"], prompt_cache_key: "conv_1" }],
])("the first request to %s has only fields that it takes", async (host, expected) => {
  const config = llmConfig(`https://${host}/openai/v1`, {}, { wire: "responses", model: "openai/gpt-oss-120b" });
  const { provider, model } = resolveModel(config, {});
  const target = { provider, model, streaming: true, quirks: responses.quirks(provider, model), kept: () => undefined };
  expect(responses.request(baseRequest, target).body).toMatchObject(expected);
});

test.each([
  ["", {}, "/openai/v1/responses"],
  ["/openai/v1/", {}, "/openai/v1/responses"],
  ["/openai/v1", { apiVersion: "preview" }, "/openai/v1/responses?api-version=preview"],
  ["", { wire: "responses", apiVersion: "2024-10-21" } as const, "/openai/v1/responses"],
])("Azure at %p with %j is asked at %s, with the deployment in the body", async (path, own, expected) => {
  await using server = await startLlmServer([answered]);
  const config = llmConfig(server.url);
  const azure = { baseUrl: server.url.replace("/v1", path), model: "my dep", apiKey: "azure-key", ...own };
  await using tested = clientWith({ ...config, active: "azure", providers: { azure } });
  await tested.ask({ streaming: true });
  const [sent] = server.requests;
  expect(sent?.path).toBe(expected);
  expect(sent?.headers).toMatchObject({ "api-key": "azure-key" });
  expect(sent?.body).toMatchObject({ model: "my dep", store: false });
});

test("extra_body is merged in the words of the wire, and does not leave the reasoning out", async () => {
  await using server = await startLlmServer([answered]);
  const extraBody = { reasoning: { mode: "pro" }, include: ["web_search_call.action.sources"], service_tier: "flex" };
  const provider = { wire: "responses", model: "gpt-5.6-sol", reasoning: { effort: "high" }, extraBody } as const;
  await using tested = clientOf(server, {}, provider);
  await tested.ask({ streaming: true });
  expect(server.requests[0]?.body).toMatchObject({
    reasoning: { effort: "high", summary: "auto", mode: "pro" },
    include: ["reasoning.encrypted_content", "web_search_call.action.sources"],
    service_tier: "flex",
  });
});

import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { JsonObject } from "../../../../src/core/json.js";
import type { CompletionRequest, ToolDefinition } from "../../../../src/core/messages.js";
import { accountOf } from "../../../../src/llm/providers/provider-account.js";
import { llmConfig } from "../../../support/llm-config.js";
import {
  answer,
  failure,
  type LlmRequest,
  type Step,
  stall,
  startLlmServer,
  stream,
} from "../../../support/llm-server.js";
import { clientOf, clientWith } from "../../client-of.js";

const tool = (name: string, properties: object = {}): ToolDefinition => ({
  name,
  description: name,
  inputSchema: { type: "object", properties, additionalProperties: false },
});

/** A turn in its second hop, with every field on which providers differ. */
const baseRequest: CompletionRequest = {
  messages: [
    { role: "system", content: "be kind" },
    { role: "user", content: [{ type: "text", text: "the secret prompt" }] },
    {
      role: "assistant",
      content: "",
      reasoning: "because",
      toolCalls: [{ id: "call_1", name: "fs__read", arguments: "{}" }],
    },
    { role: "tool", toolCallId: "call_1", content: [{ type: "text", text: "done" }], isError: false },
  ],
  tools: [tool("fs__read"), tool("fs__write", { path: { type: ["string", "null"] } }), tool("db__query")],
};

/** Returns the request, in which the first call has what this server has attached to it. */
function withAttached({ url }: { url: string }): CompletionRequest {
  const account = accountOf({ baseUrl: url, apiKeys: ["sk-test-0123456789"] });
  const parts = [{ call: 0, extra: { extra_content: { google: { thought_signature: "S" } } } }];
  const kept = { wire: "chat", provider: "test", account, model: "m1", parts };
  const messages = baseRequest.messages.map((message) =>
    message.role === "assistant" ? { ...message, kept } : message,
  );
  return { ...baseRequest, messages };
}

const openAi = (message: string, fields: object = {}) => ({
  error: { message, type: "invalid_request_error", ...fields },
});
const pydantic = (loc: unknown[], msg: string) => ({ detail: [{ type: "extra_forbidden", loc, msg, input: "x" }] });
const gemini = (message: string) => [{ error: { code: 400, status: "INVALID_ARGUMENT", message } }];

interface Refusal {
  name: string;
  provider?: ProviderConfig;
  status?: number;
  body: unknown;
  /** Returns the part of a body that the test compares: `before` in the refused request, `after` in all later ones. */
  of: (body: LlmRequest["body"]) => unknown;
  before: unknown;
  after: unknown;
  note: string;
}

const limit = { maxTokens: 5 };
const warm = { temperature: 0.7, topP: 0.9 };
const limits = ({ max_tokens, max_completion_tokens }: LlmRequest["body"]) => ({ max_tokens, max_completion_tokens });
const temperatures = ({ temperature, top_p }: LlmRequest["body"]) => ({ temperature, top_p });
const assistant = ({ messages }: LlmRequest["body"]) => messages?.find(({ role }) => role === "assistant");
const flip = {
  of: limits,
  before: { max_tokens: 5 },
  after: { max_completion_tokens: 5 },
  note: "max_tokens is refused; sending max_completion_tokens from now on",
};
const flipBack = {
  provider: { ...limit, quirks: { tokenLimitKey: "max_completion_tokens" as const } },
  of: limits,
  before: { max_completion_tokens: 5 },
  after: { max_tokens: 5 },
  note: "max_completion_tokens is refused; sending max_tokens from now on",
};
const cool = {
  provider: warm,
  of: temperatures,
  before: { temperature: 0.7, top_p: 0.9 },
  after: {},
  note: "temperature and top_p are refused; leaving them out from now on",
};
const unstreamed = {
  of: ({ stream_options }: LlmRequest["body"]) => stream_options,
  before: { include_usage: true },
  after: undefined,
  note: "stream_options is refused; leaving it out from now on",
};
const notNull = {
  of: (body: LlmRequest["body"]) => assistant(body)?.content,
  before: null,
  after: "",
  note: "content null is refused; sending an empty text from now on",
};
const echo = {
  of: (body: LlmRequest["body"]) => assistant(body)?.reasoning_content,
  before: undefined,
  after: "because",
  note: "reasoning_content is wanted with tool calls; sending it from now on",
};
const noEcho = {
  provider: { quirks: { echoReasoning: true } },
  of: (body: LlmRequest["body"]) => assistant(body)?.reasoning_content,
  before: "because",
  after: undefined,
  note: "reasoning_content is refused; leaving it out from now on",
};
const noDeveloper = {
  provider: { quirks: { developerRole: true } },
  of: ({ messages }: LlmRequest["body"]) => messages?.[0]?.role,
  before: "developer",
  after: "system",
  note: "the role developer is refused; sending system from now on",
};
const noOpaque = {
  of: (body: LlmRequest["body"]) =>
    (assistant(body)?.tool_calls?.[0] as { extra_content?: unknown } | undefined)?.extra_content,
  before: { google: { thought_signature: "S" } },
  after: undefined,
  note: "extra_content is refused; leaving it out from now on",
};
const nineLetters = {
  of: ({ messages }: LlmRequest["body"]) =>
    [messages?.[2]?.tool_calls?.[0]?.id, messages?.[3]?.tool_call_id].map((id) =>
      /^[a-zA-Z0-9]{9}$/.test(id ?? "") ? "nine" : id,
    ),
  before: ["call_1", "call_1"],
  after: ["nine", "nine"],
  note: "ids of tool calls are refused; sending nine letters and digits from now on",
};
const fewer = {
  of: ({ tools }: LlmRequest["body"]) => tools?.map(({ function: { name } }) => name),
  before: ["fs__read", "fs__write", "db__query"],
  after: ["fs__read", "fs__write"],
  note: "more than 2 tools are refused; sending the first 2 from now on",
};
const parallel = {
  provider: { extraBody: { parallel_tool_calls: false } },
  of: ({ parallel_tool_calls }: LlmRequest["body"]) => parallel_tool_calls,
  before: false,
  after: undefined,
  note: "parallel_tool_calls is refused; leaving it out from now on",
};
const plain = {
  of: ({ tools }: LlmRequest["body"]) =>
    (tools as { function: { parameters: unknown } }[] | undefined)?.map((each) => each.function.parameters)[1],
  before: {
    type: "object",
    properties: { path: { type: ["string", "null"] } },
    additionalProperties: false,
  },
  after: { type: "object", properties: { path: { type: "string", nullable: true } } },
  note: "a tool's schema is refused; sending plain schemas from now on",
};

const refusals: Refusal[] = [
  {
    name: "OpenAI on max_tokens",
    provider: limit,
    ...flip,
    body: openAi(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { param: "max_tokens", code: "unsupported_parameter" },
    ),
  },
  {
    name: "a gateway that quotes OpenAI",
    provider: limit,
    ...flip,
    body: {
      error: {
        message: "Provider returned error",
        metadata: { raw: JSON.stringify(openAi("Unsupported parameter: 'max_tokens'")) },
      },
    },
  },
  {
    name: "Mistral on max_completion_tokens",
    ...flipBack,
    status: 422,
    body: pydantic(["body", "max_completion_tokens"], "Extra inputs are not permitted"),
  },
  {
    name: "Mistral, its message an object",
    ...flipBack,
    status: 422,
    body: {
      object: "error",
      message: pydantic(["body", "max_completion_tokens"], "Extra inputs are not permitted"),
      type: "invalid_request_error",
    },
  },
  {
    name: "a server in Go on max_completion_tokens",
    ...flipBack,
    body: { error: 'json: unknown field "max_completion_tokens"' },
  },
  {
    name: "Azure on max_completion_tokens",
    ...flipBack,
    body: openAi("Unrecognized request argument supplied: max_completion_tokens"),
  },
  {
    name: "OpenAI on temperature",
    ...cool,
    body: openAi("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value.", {
      param: "temperature",
      code: "unsupported_value",
    }),
  },
  { name: "Kimi on temperature", ...cool, body: openAi("invalid temperature: only 1 is allowed for this model") },
  {
    name: "Anthropic on both at once",
    ...cool,
    body: { type: "error", error: { message: "`temperature` and `top_p` cannot both be specified for this model." } },
  },
  { name: "top_p alone", ...cool, body: openAi("'top_p' is not supported with this model", { param: "top_p" }) },
  { name: "Azure on stream_options", ...unstreamed, body: openAi("Unknown parameter: 'stream_options'.") },
  {
    name: "Gemini on stream_options",
    ...unstreamed,
    body: gemini('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.'),
  },
  {
    name: "Groq on stream_options",
    ...unstreamed,
    body: openAi("property 'stream_options' is unsupported, did you mean 'stream'?"),
  },
  {
    name: "o-models on parallel_tool_calls",
    ...parallel,
    body: openAi("Unsupported parameter: 'parallel_tool_calls' is not supported with this model."),
  },
  { name: "Ollama on null", ...notNull, body: openAi("invalid message content type: <nil>") },
  {
    name: "LM Studio on null",
    ...notNull,
    body: { error: "Invalid 'content': 'content' field must be a string or an array of objects." },
  },
  {
    name: "pydantic on null",
    ...notNull,
    status: 422,
    body: pydantic(["body", "messages", 2, "content"], "Input should be a valid string"),
  },
  {
    name: "Bedrock on an empty text",
    provider: { quirks: { nullContent: false } },
    of: notNull.of,
    before: "",
    after: null,
    note: "empty content is refused; sending null from now on",
    body: openAi("messages: text content blocks must be non-empty"),
  },
  {
    name: "DeepSeek on missing reasoning",
    ...echo,
    body: openAi("The reasoning_content in the thinking mode must be passed back to the API."),
  },
  {
    name: "Kimi on missing reasoning",
    ...echo,
    body: openAi("thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"),
  },
  {
    name: "Groq on reasoning",
    ...noEcho,
    body: openAi("'messages.2' : property 'reasoning_content' is unsupported"),
  },
  {
    name: "Groq on extra_content",
    ...noOpaque,
    body: openAi("'messages.2.tool_calls.0' : property 'extra_content' is unsupported"),
  },
  {
    name: "pydantic on extra_content",
    ...noOpaque,
    status: 422,
    body: pydantic(["body", "messages", 2, "tool_calls", 0, "extra_content"], "Extra inputs are not permitted"),
  },
  {
    name: "a Rust server on the developer role",
    ...noDeveloper,
    body: openAi("unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`"),
  },
  {
    name: "a Python server on the developer role",
    ...noDeveloper,
    body: openAi("'developer' is not one of ['system', 'assistant', 'user', 'function'] - 'messages.0.role'"),
  },
  {
    name: "Mistral on ids",
    ...nineLetters,
    body: openAi("Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9."),
  },
  {
    name: "OpenAI on long ids",
    ...nineLetters,
    body: openAi(
      "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got 60.",
      { code: "string_above_max_length", param: "messages[2].tool_calls[0].id" },
    ),
  },
  {
    name: "Anthropic on ids",
    ...nineLetters,
    body: openAi("messages.2.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"),
  },
  {
    name: "OpenAI on the number of tools",
    ...fewer,
    body: openAi("Invalid 'tools': array too long. Expected an array with maximum length 2, but got one with 3."),
  },
  { name: "Groq on the number of tools", ...fewer, body: openAi("'tools' : maximum number of items is 2") },
  {
    name: "OpenAI on a schema",
    ...plain,
    body: openAi("Invalid schema for function 'fs__write': In context=('properties', 'path'), bad.", {
      param: "tools[1].function.parameters",
      code: "invalid_function_parameters",
    }),
  },
  {
    name: "Gemini on a schema",
    ...plain,
    body: gemini(
      "Invalid JSON payload received. Unknown name \"type\" at 'tools[0].function_declarations[1].parameters': Proto field is not repeating, cannot start list.",
    ),
  },
  {
    name: "llama.cpp on a schema",
    ...plain,
    body: { error: { code: 400, message: 'Unable to convert the schema: {"type":["string","null"]}' } },
  },
  {
    name: "reasoning where effort alone is known",
    provider: { reasoning: { effort: "low" } },
    of: ({ reasoning, reasoning_effort }) => ({ reasoning, reasoning_effort }),
    before: { reasoning: { effort: "low" } },
    after: { reasoning_effort: "low" },
    note: "reasoning is refused; sending reasoning_effort from now on",
    body: openAi("Unrecognized request argument supplied: reasoning"),
  },
];

describe("a refusal teaches once, and for the life of the process", () => {
  test.each(refusals)("$name", async ({ provider, status = 400, body, of, before, after, note }) => {
    await using server = await startLlmServer([failure(status, { body }), answer("hello"), answer("again")]);
    await using ends = clientOf(server, { initialRetryDelayMs: 60_000, maxRetryDelayMs: 60_000 }, provider);
    const request = withAttached(server);
    expect(await ends.ask({ streaming: true }, request)).toMatchObject({ message: { content: "hello" }, attempts: 2 });
    expect(await ends.ask({ streaming: true }, request)).toMatchObject({ attempts: 1 });
    expect(server.requests.map((request) => of(request.body))).toEqual([before, after, after]);
    const said = ends.observed.filter(({ level }) => level === "info");
    expect(said.map(({ message }) => message)).toEqual([`test: ${note}`]);
    expect(said[0]?.fields).toMatchObject({ provider: "test", model: "m1" });
  });

  test("a refusal of a whole answer teaches the same, and so does an error inside a 200", async () => {
    const refusal = openAi("Unsupported parameter: 'max_tokens'", { code: 400, param: "max_tokens" });
    for (const [streaming, first] of [
      [false, failure(400, { body: refusal })],
      [true, stream([refusal])],
    ] satisfies [boolean, Step][]) {
      await using server = await startLlmServer([first, answer("hello")]);
      await using ends = clientOf(server, { maxRetries: 0 }, limit);
      expect((await ends.ask({ streaming }, baseRequest)).attempts).toBe(2);
      expect(limits(server.requests[1]?.body ?? {})).toEqual({ max_completion_tokens: 5 });
    }
  });

  test.each([
    openAi("Your organization must be verified to stream this model.", { param: "stream", code: "unsupported_value" }),
    openAi("Unsupported value: 'stream' does not support true with this model."),
    openAi("Streaming is not supported with tools for this model."),
  ])("a model that refuses to stream is asked for whole answers, and the door still gets deltas: %j", async (body) => {
    await using server = await startLlmServer((request) =>
      request.body.stream ? failure(400, { body }) : answer("hello"),
    );
    await using ends = clientOf(server);
    for (const attempts of [2, 1]) {
      const shown: unknown[] = [];
      const asked = await ends.ask({ streaming: true, onDelta: (event) => shown.push(event) }, baseRequest);
      expect(asked).toMatchObject({ message: { content: "hello" }, attempts });
      expect(shown).toEqual([{ type: "text_delta", delta: "hello" }]);
    }
    expect(server.requests.map(({ body: { stream, stream_options } }) => [stream, stream_options])).toEqual([
      [true, { include_usage: true }],
      [false, undefined],
      [false, undefined],
    ]);
    expect(ends.observed.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      "test: streaming is refused; asking for whole answers from now on",
    ]);
  });

  test("a whole answer in place of a stream may take longer than its headers otherwise", async () => {
    const refused = openAi("Your organization must be verified to stream this model.", { param: "stream" });
    const late: Step = async (response, request) => {
      await setTimeout(150);
      answer("hello")(response, request);
    };
    await using server = await startLlmServer([failure(400, { body: refused }), late]);
    await using ends = clientOf(server, { timeoutMs: 60, maxRetries: 0 });
    expect(await ends.ask({ streaming: true }, baseRequest)).toMatchObject({
      message: { content: "hello" },
      attempts: 2,
    });
  });

  test("a whole answer in place of a stream leaves time for the fallback, where it never comes", async () => {
    const refused = failure(400, { body: openAi("Your organization must be verified to stream this model.") });
    await using silent = await startLlmServer([refused, stall]);
    await using other = await startLlmServer([answer("hello")]);
    const config = llmConfig(silent.url, { timeoutMs: 60, maxRetries: 0, totalTimeoutMs: 4_000 });
    const providers = {
      ...config.providers,
      other: { baseUrl: other.url, model: "m2", apiKey: "sk-other-0123456789", timeoutMs: 1_000 },
    };
    await using ends = clientWith({ ...config, providers, fallback: ["other"] });
    expect(await ends.ask({ streaming: true }, baseRequest)).toMatchObject({
      message: { content: "hello" },
      model: "m2",
    });
  });

  test("a whole answer in place of a stream is not hedged", async () => {
    const body = openAi("Your organization must be verified to stream this model.");
    const late: Step = async (response, request) => {
      await setTimeout(60);
      answer("hello")(response, request);
    };
    await using server = await startLlmServer(({ body: { stream } }) => (stream ? failure(400, { body }) : late));
    await using ends = clientOf(server, {}, { hedgeAfterMs: 10 });
    for (const attempts of [2, 1]) expect(await ends.ask({ streaming: true })).toMatchObject({ attempts });
    expect(server.requests.length).toBe(3);
  });

  test.each([
    "Invalid schema for function 'live-stream': keyword 'const' is not supported.",
    "tools.0.parameters: 'streaming' is not supported as a type of this schema",
  ])("a refusal of a schema is not taken for one of streams: %s", async (message) => {
    await using server = await startLlmServer([failure(400, { body: openAi(message) }), answer("hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: true }, baseRequest)).toMatchObject({ message: { content: "hello" } });
    expect(server.requests.at(-1)?.body.stream).toBe(true);
  });

  test("several lessons in a row take one request each", async () => {
    await using server = await startLlmServer([
      failure(400, { body: openAi("Unsupported parameter: 'max_tokens'") }),
      failure(400, { body: openAi("Unsupported value: 'temperature'") }),
      failure(400, { body: openAi("Unknown parameter: 'stream_options'.") }),
      answer("hello"),
    ]);
    await using ends = clientOf(server, { maxRetries: 0 }, { ...limit, ...warm });
    expect((await ends.ask({ streaming: true }, baseRequest)).attempts).toBe(4);
    expect(server.requests[3]?.body).not.toHaveProperty("stream_options");
    expect({ ...limits(server.requests[3]?.body ?? {}), ...temperatures(server.requests[3]?.body ?? {}) }).toEqual({
      max_completion_tokens: 5,
    });
  });

  test("a failure after the correction is retried as usual", async () => {
    await using server = await startLlmServer([
      failure(400, { body: openAi("Unsupported parameter: 'max_tokens'") }),
      failure(503),
      failure(503),
      answer("hello"),
    ]);
    await using ends = clientOf(server, { maxRetries: 2 }, limit);
    expect((await ends.ask({ streaming: true }, baseRequest)).attempts).toBe(4);
  });

  test("requests of the same moment do not undo each other's lesson", async () => {
    const refusal = failure(400, { body: openAi("Unsupported parameter: 'max_tokens'") });
    const held: (() => void)[] = [];
    await using server = await startLlmServer(({ body }): Step => {
      if (body.max_tokens === undefined) return answer("hello");
      return (response, request) => {
        held.push(() => refusal(response, request));
        if (held.length === 3) for (const release of held) release();
      };
    });
    await using ends = clientOf(server, {}, limit);
    const answers = await Promise.all([1, 2, 3].map(() => ends.ask({ streaming: true }, baseRequest)));
    expect(answers.map(({ attempts }) => attempts)).toEqual([2, 2, 2]);
    expect(ends.observed.filter(({ level }) => level === "info")).toHaveLength(1);
  });

  test("if tools cannot be forbidden they are left out of requests that forbid calls, and only there", async () => {
    const refusal = failure(400, { body: openAi("tool_choice: only 'auto' is supported", { param: "tool_choice" }) });
    await using server = await startLlmServer([refusal, answer("hello"), answer("hello"), answer("hello")]);
    await using ends = clientOf(server, { maxRetries: 0 });
    const request = { ...baseRequest, toolChoice: "none" } as const;
    for (const each of [request, request, baseRequest]) await ends.ask({ streaming: true }, each);
    expect(server.requests.map(({ body }) => [body.tool_choice, body.tools?.length])).toEqual([
      ["none", 3],
      [undefined, undefined],
      [undefined, undefined],
      [undefined, 3],
    ]);
  });

  test("the refusal of one model does not affect another one", async () => {
    const refusal = failure(400, { body: openAi("Unsupported parameter: 'max_tokens'") });
    await using server = await startLlmServer([refusal, answer("hello"), answer("hello")]);
    await using ends = clientOf(server, {}, limit);
    await ends.ask({ streaming: true }, baseRequest);
    await ends.ask({ streaming: true }, { ...baseRequest, model: "m2" });
    expect(limits(server.requests[2]?.body ?? {})).toEqual({ max_tokens: 5 });
  });
});

describe("nothing is sent a second time", () => {
  test.each<[string, unknown]>([
    ["for a value that is out of range", openAi("'temperature' must be less than 2", { param: "temperature" })],
    ["for a parameter that was not sent", openAi("Unsupported parameter: 'logit_bias'")],
    ["for a limit that is too high", openAi("max_tokens is too large: 5. This model supports at most 4 tokens.")],
    ["for anything else", openAi("Something is wrong with your request")],
    ["for a message that names the other key", openAi("max_completion_tokens is not supported")],
  ])("%s", async (_name, body) => {
    await using server = await startLlmServer([failure(400, { body })]);
    await using ends = clientOf(server, {}, { ...limit, ...warm });
    expect(await ends.fails({ streaming: true })).toMatchObject({ attempts: 1, retryable: false });
    expect(ends.observed.filter(({ level }) => level === "info")).toEqual([]);
  });

  test("when both forms are refused: the lesson stays", async () => {
    await using server = await startLlmServer(({ body }) =>
      failure(400, {
        body: openAi(`Unsupported parameter: '${Object.keys(body).find((key) => key.startsWith("max_"))}'`),
      }),
    );
    await using ends = clientOf(server, {}, limit);
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "bad_request", attempts: 2 });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "bad_request", attempts: 1 });
  });

  test("after something was shown", async () => {
    const shown = stream([
      { choices: [{ delta: { content: "Hel" } }] },
      openAi("Unsupported 'max_tokens'", { code: 400 }),
    ]);
    await using server = await startLlmServer([shown]);
    await using ends = clientOf(server, {}, limit);
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "stream_interrupted", attempts: 1 });
  });

  test("after a few lessons: a server that refuses every request is given up", async () => {
    const faults = ["max_tokens", "temperature", "stream_options", "extra_content", "reasoning", "content null"];
    let asked = 0;
    await using server = await startLlmServer(() => {
      const named = faults[asked++ % faults.length];
      return failure(400, { body: openAi(`Unsupported parameter: '${named}', tools[0].function.parameters`) });
    });
    await using ends = clientOf(server, {}, { ...limit, ...warm, reasoning: { effort: "low" } });
    const outcome = await ends.ask({ streaming: true }, withAttached(server)).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ kind: "bad_request" });
    expect(server.requests.length).toBeLessThanOrEqual(9);
  });
});

describe("a tool that no schema makes acceptable", () => {
  const names = ({ body }: LlmRequest) => body.tools?.map(({ function: { name } }) => name);

  test.each<[string, (index: number, name: string) => unknown]>([
    ["by its name", (_, name) => openAi(`Invalid schema for function '${name}': nope`)],
    ["by its place", (index) => openAi("Invalid schema", { param: `tools[${index}].function.parameters` })],
    ["by its place, dotted", (index) => openAi(`tools.${index}.function.parameters: unresolvable reference`)],
    ["by its place, as Gemini", (index) => gemini(`* tools[0].function_declarations[${index}].parameters: bad`)],
    ["by its place, as pydantic", (index) => pydantic(["body", "tools", index, "function"], "bad schema")],
  ])("is left out alone, with a warning, where the error names it %s", async (_name, refusal) => {
    await using server = await startLlmServer((request): Step => {
      const index = names(request)?.indexOf("db__query") ?? -1;
      return index < 0 ? answer("hello") : failure(400, { body: refusal(index, "db__query") });
    });
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming: true }, baseRequest)).attempts).toBe(3);
    expect((await ends.ask({ streaming: true }, baseRequest)).attempts).toBe(1);
    expect(server.requests.map(names)).toEqual([
      ["fs__read", "fs__write", "db__query"],
      ["fs__read", "fs__write", "db__query"],
      ["fs__read", "fs__write"],
      ["fs__read", "fs__write"],
    ]);
    expect(ends.observed.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
      "test: the tool db__query is left out, because the provider refuses its definition",
    ]);
  });

  test("two of them are left out one after the other", async () => {
    await using server = await startLlmServer((request): Step => {
      const bad = names(request)?.find((name) => name.startsWith("fs__"));
      return bad ? failure(400, { body: openAi(`Invalid schema for function '${bad}'`) }) : answer("hello");
    });
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming: false }, baseRequest)).attempts).toBe(4);
    expect(server.requests.map(names).at(-1)).toEqual(["db__query"]);
  });

  test("comes back when its server fixes it", async () => {
    await using server = await startLlmServer((request): Step => {
      const bad = JSON.stringify(request.body.tools).includes('"broken"');
      return bad ? failure(400, { body: openAi("Invalid schema for function 'x'") }) : answer("hello");
    });
    await using ends = clientOf(server);
    const withTool = (...properties: string[]) => ({
      ...baseRequest,
      tools: [tool("x", Object.fromEntries(properties.map((name) => [name, { type: "string" }]))), tool("y")],
    });
    await ends.ask({ streaming: true }, withTool("broken"));
    await ends.ask({ streaming: true }, withTool("broken"));
    await ends.ask({ streaming: true }, withTool("mended"));
    expect(server.requests.map(names).slice(-3)).toEqual([["y"], ["y"], ["x", "y"]]);
  });

  test("keeps the beginning of its description if that is too long, and others keep theirs", async () => {
    const descriptions = ({ body }: LlmRequest) =>
      body.tools?.map((one) => (one.function as { description?: string }).description);
    const refusal = (index: number) =>
      openAi(
        `Invalid 'tools[${index}].function.description': string too long. Expected a string with maximum length 10, but got a string with length 26 instead.`,
        { code: "string_above_max_length", param: `tools[${index}].function.description` },
      );
    await using server = await startLlmServer((request) => {
      const tooLong = descriptions(request)?.findIndex((text = "") => text.length > 10) ?? -1;
      return tooLong < 0 ? answer("ok") : failure(400, { body: refusal(tooLong) });
    });
    await using ends = clientOf(server);
    const tools = [tool("short"), { ...tool("long"), description: "abcdefghijklmnopqrstuvwxyz" }];
    for (let time = 0; time < 2; time++) await ends.ask({ streaming: true }, { ...baseRequest, tools });
    expect(server.requests.map(descriptions).map((all) => all?.[1])).toEqual([
      "abcdefghijklmnopqrstuvwxyz",
      "abcdefghi…",
      "abcdefghi…",
    ]);
  });

  test("stays when the error does not name it, and the error goes to the user", async () => {
    await using server = await startLlmServer(() => failure(400, { body: openAi("a tool has a bad schema") }));
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: true }, baseRequest).catch((error: unknown) => error)).toMatchObject({
      kind: "bad_request",
      attempts: 2,
      hint: expect.stringContaining("schemas"),
    });
  });
});

describe("a tool without parameters", () => {
  const bare: ToolDefinition = { name: "fs__now", description: "now", inputSchema: { type: "object" } };
  const request = { ...baseRequest, tools: [bare, ...baseRequest.tools] };
  const parametersOf = ({ tools = [] }: LlmRequest["body"], name: string) =>
    tools.map((one) => one.function as { name: string; parameters?: JsonObject }).find((one) => one.name === name)
      ?.parameters;

  test("stays at OpenAI where another tool's schema is refused", async () => {
    await using server = await startLlmServer(({ body }): Step => {
      if (!parametersOf(body, "fs__now")?.properties)
        return failure(400, {
          body: openAi("Invalid schema for function 'fs__now': In context=(), object schema missing properties."),
        });
      const isStrict = JSON.stringify(parametersOf(body, "fs__write")).includes('"null"');
      return isStrict ? failure(400, { body: openAi("Invalid schema for function 'fs__write': bad") }) : answer("ok");
    });
    await using ends = clientOf(server);
    await ends.ask({ streaming: true }, request);
    expect(server.requests.at(-1)?.body.tools).toHaveLength(4);
    expect(parametersOf(server.requests.at(-1)?.body ?? {}, "fs__now")).toEqual({ type: "object", properties: {} });
  });

  test("is left without properties where a gateway to Gemini refuses empty ones", async () => {
    await using server = await startLlmServer(({ body }): Step => {
      const isEmpty = isDeepStrictEqual(parametersOf(body, "fs__now")?.properties, {});
      const said =
        "GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty";
      return isEmpty ? failure(400, { body: gemini(`* ${said} for OBJECT type`) }) : answer("ok");
    });
    await using ends = clientOf(server);
    await ends.ask({ streaming: true }, request);
    expect(server.requests.at(-1)?.body.tools).toHaveLength(4);
  });
});

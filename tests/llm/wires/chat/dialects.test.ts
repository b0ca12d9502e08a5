import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { CompletionRequest, Delta, Message, ToolDefinition } from "../../../../src/core/messages.js";
import { ThinkTags } from "../../../../src/llm/wires/chat/think-tags.js";
import { llmConfig } from "../../../support/llm-config.js";
import { answer, chunk, failure, json, type LlmRequest, startLlmServer, stream } from "../../../support/llm-server.js";
import { costMs } from "../../../support/processor-time.js";
import { clientOf, clientWith } from "../../client-of.js";

const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });
const tools = (count: number): ToolDefinition[] =>
  Array.from({ length: count }, (_, n) => ({ name: `t${n}`, description: "", inputSchema: { type: "object" } }));
const secondHop = (id: string): Message[] => [
  { role: "system", content: "be kind" },
  user("hi"),
  { role: "assistant", content: "", reasoning: "because", toolCalls: [{ id, name: "t0", arguments: "{}" }] },
  { role: "tool", toolCallId: id, content: [], isError: false },
];

/** Returns the only request that the preset makes. The test's server replaces the preset's own. */
async function sent(
  preset: string,
  provider: ProviderConfig,
  request: Partial<CompletionRequest> = {},
  streaming = true,
): Promise<LlmRequest> {
  await using server = await startLlmServer([answer("hello")]);
  const { http } = llmConfig(server.url);
  const providers = { [preset]: { baseUrl: server.url, model: "m1", apiKey: "sk-test-0123456789", ...provider } };
  await using ends = clientWith({ active: preset, fallback: [], streamRecovery: "auto", http, providers });
  await ends.ask({ streaming }, { messages: [user("hi")], tools: tools(1), ...request });
  const [first] = server.requests;
  if (!first) throw new Error("nothing was sent");
  return first;
}

const parameters = { temperature: 0.7, topP: 0.9, maxTokens: 100, reasoning: { effort: "low" } };
const chat = { temperature: 0.7, top_p: 0.9 };
const system = { role: "system", content: "be kind" };

describe.each([{ streaming: true }, { streaming: false }])(
  "the fields of a preset, streaming: $streaming",
  ({ streaming }) => {
    test.each<[string, string, object]>([
      ["openai", "gpt-4.1", { ...chat, max_completion_tokens: 100, reasoning_effort: "low" }],
      ["groq", "llama", { ...chat, max_completion_tokens: 100, reasoning_effort: "low" }],
      ["openrouter", "meta/llama", { ...chat, max_tokens: 100, reasoning: { effort: "low" } }],
      ["anthropic", "claude", { ...chat, max_tokens: 100, reasoning_effort: "low" }],
      ["gemini", "gemini-2.5-flash", { ...chat, max_tokens: 100, reasoning_effort: "low" }],
      ["mistral", "small", { ...chat, max_tokens: 100, reasoning_effort: "low" }],
      ["deepseek", "chat", { ...chat, max_tokens: 100, reasoning_effort: "low" }],
      ["ollama", "qwen3", { ...chat, max_tokens: 100, reasoning_effort: "low" }],
      ["mine", "m1", { ...chat, max_tokens: 100, reasoning: { effort: "low" } }],
      ["openai", "gpt-5", { max_completion_tokens: 100, reasoning_effort: "low" }],
      ["openai", "gpt-5.4-mini", { max_completion_tokens: 100, reasoning_effort: "low" }],
      ["openai", "o3-mini", { max_completion_tokens: 100, reasoning_effort: "low" }],
      ["openai", "gpt-5-chat-latest", { ...chat, max_completion_tokens: 100, reasoning_effort: "low" }],
      ["openrouter", "openai/o4-mini", { max_completion_tokens: 100, reasoning: { effort: "low" } }],
      ["openrouter", "openai/gpt-6-luna", { max_completion_tokens: 100, reasoning: { effort: "low" } }],
      ["mine", "o1", { max_completion_tokens: 100, reasoning: { effort: "low" } }],
      ["mine", "olmo-2", { ...chat, max_tokens: 100, reasoning: { effort: "low" } }],
    ])("parameters of %s/%s", async (preset, model, expected) => {
      const { body } = await sent(preset, { ...parameters, model }, {}, streaming);
      const { messages: _, tools: __, model: named, stream_options, stream: streamed, ...rest } = body;
      expect(rest).toEqual(expected);
      expect({ named, streamed }).toEqual({ named: model, streamed: streaming });
      expect(stream_options).toEqual(streaming && preset !== "mistral" ? { include_usage: true } : undefined);
    });

    test.each<[string, unknown, unknown]>([
      ["openai", null, undefined],
      ["mistral", "", undefined],
      ["deepseek", null, "because"],
      ["ollama", "", undefined],
      ["lmstudio", "", undefined],
      ["mine", null, undefined],
    ])("a message of %s that only calls tools", async (preset, content, reasoning) => {
      const { body } = await sent(preset, {}, { messages: secondHop("call_1") }, streaming);
      expect(body.messages?.[2]?.content).toBe(content);
      expect(body.messages?.[2]?.reasoning_content).toBe(reasoning);
    });
  },
);

describe("the configuration outranks a preset", () => {
  test("in the temperature of a model", async () => {
    const { body } = await sent("openai", { ...parameters, model: "gpt-5.4", quirks: { temperature: true } });
    expect(body).toMatchObject({ ...chat, max_completion_tokens: 100 });
  });

  test("in every quirk", async () => {
    const quirks = {
      tokenLimitKey: "max_tokens",
      nullContent: false,
      streamUsage: false,
      temperature: false,
      parallelToolCalls: false,
      developerRole: true,
      echoReasoning: true,
      toolIds: "nine_alphanumeric",
      toolSchemas: "plain",
      maxTools: 1,
    } as const;
    const provider = { ...parameters, quirks, extraBody: { parallel_tool_calls: true, seed: 7 } };
    const strict = { name: "t0", description: "", inputSchema: { type: "object", additionalProperties: false } };
    const { body } = await sent("openai", provider, {
      messages: secondHop("call_1"),
      tools: [strict, ...tools(2)],
    });
    const { messages = [], ...rest } = body;
    const id = messages[3]?.tool_call_id ?? "";
    expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    const wire = { type: "function", function: { name: "t0", arguments: "{}" } };
    expect(messages).toEqual([
      { ...system, role: "developer" },
      { role: "user", content: "hi" },
      { role: "assistant", content: "", reasoning_content: "because", tool_calls: [{ id, ...wire }] },
      { role: "tool", tool_call_id: id, content: "(no output)" },
    ]);
    expect(rest).toEqual({
      model: "m1",
      max_tokens: 100,
      stream: true,
      reasoning_effort: "low",
      seed: 7,
      tools: [{ type: "function", function: { name: "t0", parameters: { type: "object", properties: {} } } }],
    });
  });
});

describe("tools", () => {
  test("options about tools are not sent without tools", async () => {
    const extraBody = { tool_choice: "auto", parallel_tool_calls: false, seed: 1 };
    const without = await sent("mine", { extraBody }, { tools: [] });
    expect(without.body).toEqual({
      model: "m1",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
      stream_options: { include_usage: true },
      seed: 1,
    });
    expect((await sent("mine", { extraBody })).body).toMatchObject(extraBody);
  });

  test("the request's options about tools outrank the configuration, and are not sent without tools", async () => {
    const extraBody = { tool_choice: "auto", parallel_tool_calls: true };
    const use = { toolChoice: { name: "t0" }, parallelToolCalls: false };
    const choice = { type: "function", function: { name: "t0" } };
    const { body } = await sent("mine", { extraBody }, use);
    expect(body).toMatchObject({ tool_choice: choice, parallel_tool_calls: false });
    const without = (await sent("mine", {}, { ...use, tools: [] })).body;
    expect(without).not.toHaveProperty("tool_choice");
    expect(without).not.toHaveProperty("parallel_tool_calls");
    expect((await sent("openai", { model: "o4-mini" }, use)).body).not.toHaveProperty("parallel_tool_calls");
  });

  test("forbidden tools are sent with tool_choice none, or left out for providers that ignore it", async () => {
    const use = { toolChoice: "none" } as const;
    const { body } = await sent("openai", {}, use);
    expect(body).toMatchObject({ tool_choice: "none", tools: [{ function: { name: "t0" } }] });
    const without = (await sent("ollama", {}, use)).body;
    expect(without).not.toHaveProperty("tools");
    expect(without).not.toHaveProperty("tool_choice");
  });

  test("parallel_tool_calls is never sent to o-models", async () => {
    const extraBody = { parallel_tool_calls: false };
    expect((await sent("openai", { model: "o4-mini", extraBody })).body).not.toHaveProperty("parallel_tool_calls");
    expect((await sent("openai", { model: "gpt-5", extraBody })).body).toMatchObject(extraBody);
  });

  test("if there are too many, the first are sent, with one warning that names their number and the key", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    await using ends = clientOf(server);
    for (const count of [128, 130, 130, 131]) {
      await ends.ask({ streaming: true }, { messages: [user("hi")], tools: tools(count) });
      expect(server.requests.at(-1)?.body.tools?.map(({ function: { name } }) => name)).toEqual(
        tools(128).map(({ name }) => name),
      );
    }
    const warnings = ends.observed.filter(({ level }) => level === "warn");
    expect(warnings.map(({ fields }) => fields?.offered)).toEqual([130, 131]);
    expect(warnings[0]?.message).toBe(
      "test: 130 tools are too many, so only the first 128 are sent (llm.providers.test.quirks.max_tools). Offer fewer tools: mcpServers.*.tools.allow and deny.",
    );
  });

  test("schemas go to Gemini and to local servers in plain words, to others as they are", async () => {
    const inputSchema = {
      $schema: "x",
      type: "object",
      properties: { a: { $ref: "#/$defs/a" }, b: true, c: { type: "array", items: {} }, d: { const: 1 } },
      additionalProperties: false,
      $defs: { a: { type: ["string", "null"] } },
    };
    const schemaOf = ({ body }: LlmRequest) =>
      (body.tools?.[0]?.function as { parameters?: unknown } | undefined)?.parameters;
    const request = { tools: [{ name: "t", description: "", inputSchema }] };
    const inPlainWords = {
      type: "object",
      properties: {
        a: { type: "string", nullable: true },
        b: {},
        c: { type: "array", items: {} },
        d: { type: "number", description: "One of 1" },
      },
    };
    for (const preset of ["gemini", "ollama", "lmstudio", "llamacpp"])
      expect(schemaOf(await sent(preset, {}, request))).toEqual(inPlainWords);
    for (const preset of ["openai", "anthropic", "vllm", "mine"])
      expect(schemaOf(await sent(preset, {}, request))).toEqual(inputSchema);
  });

  test.each([
    ["call_abc123", /^(?!call_abc1)[a-zA-Z0-9]{9}$/],
    ["", /^[a-zA-Z0-9]{9}$/],
    ["functions.read:0", /^[a-zA-Z0-9]{9}$/],
    ["D681PevKs", /^D681PevKs$/],
  ])(
    "Mistral gets the id %j as nine letters and digits, the same for a call and its result, every time",
    async (id, form) => {
      const idsOf = ({ body: { messages = [] } }: LlmRequest) => [
        messages[2]?.tool_calls?.[0]?.id,
        messages[3]?.tool_call_id,
      ];
      const [first, second] = [
        idsOf(await sent("mistral", {}, { messages: secondHop(id) })),
        idsOf(await sent("mistral", {}, { messages: secondHop(id) })),
      ];
      expect(first[0]).toMatch(form);
      expect(first).toEqual([first[0], first[0]]);
      expect(second).toEqual(first);
    },
  );

  test("ids that differ stay different", async () => {
    const calls = Array.from({ length: 500 }, (_, n) => ({ id: `call_${n}`, name: "t", arguments: "{}" }));
    const { body } = await sent("mistral", {}, { messages: [{ role: "assistant", content: "", toolCalls: calls }] });
    expect(new Set(body.messages?.[0]?.tool_calls?.map(({ id }) => id)).size).toBe(500);
  });

  test("a name that no API accepts does not break the conversation", async () => {
    const names = ["fs.read", "", "a".repeat(99), "run it!"];
    const toolCalls = names.map((name, n) => ({ id: `c${n}`, name, arguments: "{}" }));
    const { body } = await sent("mine", {}, { messages: [{ role: "assistant", content: "", toolCalls }] });
    const wire = body.messages?.[0]?.tool_calls?.map((call) => call.function.name);
    expect(wire).toEqual(["fs_read", "unnamed", "a".repeat(64), "run_it_"]);
  });

  test("the reasoning of another wire's model is not sent back", async () => {
    const toolCalls = [{ id: "c", name: "t0", arguments: "{}" }];
    const foreign = {
      wire: "messages",
      provider: "anthropic",
      account: "a",
      model: "claude-opus-5",
      parts: [{ call: 0 }],
    } as const;
    const history: Message[] = [
      { role: "assistant", content: "", reasoning: "Claude's", toolCalls, kept: foreign },
      { role: "tool", toolCallId: "c", content: [], isError: false },
    ];
    const { body } = await sent("deepseek", {}, { messages: history, tools: [] });
    expect(body.messages?.[0]?.reasoning_content).toBe("");
  });

  test("reasoning that is demanded back is sent even where there was none", async () => {
    const toolCalls = [{ id: "c", name: "t0", arguments: "{}" }];
    const { body } = await sent(
      "deepseek",
      {},
      {
        messages: [
          { role: "assistant", content: "", toolCalls },
          { role: "assistant", content: "x", reasoning: "r", toolCalls: [] },
        ],
      },
    );
    expect(body.messages?.map(({ reasoning_content }) => reasoning_content)).toEqual(["", undefined]);
  });
});

describe("Azure", () => {
  const pathOf = async (path: string, provider: ProviderConfig, preset = "azure") => {
    await using server = await startLlmServer([answer("hello")]);
    const baseUrl = server.url.replace("/v1", path);
    const { http } = llmConfig(baseUrl);
    const providers = { [preset]: { baseUrl, model: "my dep", apiKey: "azure-key", ...provider } };
    await using ends = clientWith({ active: preset, fallback: [], streamRecovery: "auto", http, providers });
    await ends.ask({ streaming: true });
    const { headers = {}, path: asked, body } = server.requests[0] ?? {};
    return { key: headers["api-key"], authorization: headers.authorization, asked, model: body?.model };
  };
  const dated = { apiVersion: "2024-10-21" };
  const deployment = "/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21";

  test.each<[string, string, ProviderConfig, string]>([
    ["a dated version: the deployment's URL", "", dated, deployment],
    ["with a slash", "/", dated, deployment],
    ["with /openai", "/openai/", dated, deployment],
    ["behind a gateway's path", "/llm", dated, `/llm${deployment}`],
    [
      "with the deployment",
      "/openai/deployments/other",
      dated,
      "/openai/deployments/other/chat/completions?api-version=2024-10-21",
    ],
    [
      "with everything",
      "/openai/deployments/other?api-version=2023-05-15",
      {},
      "/openai/deployments/other/chat/completions?api-version=2023-05-15",
    ],
    ["no version: the v1 API", "", { wire: "chat" }, "/openai/v1/chat/completions"],
    ["the v1 API's own URL", "/openai/v1/", { wire: "chat" }, "/openai/v1/chat/completions"],
    [
      "the v1 API in a preview",
      "/openai/v1",
      { wire: "chat", apiVersion: "preview" },
      "/openai/v1/chat/completions?api-version=preview",
    ],
  ])("%s", async (_name, path, provider, expected) => {
    const { key, authorization, asked, model } = await pathOf(path, provider);
    expect({ key, authorization, asked, model }).toEqual({
      key: "azure-key",
      authorization: undefined,
      asked: expected,
      model: "my dep",
    });
  });

  test("is known by api_version under any name of the provider", async () => {
    expect(await pathOf("", dated, "work")).toMatchObject({ key: "azure-key", asked: deployment });
  });

  test("is known by its host", () => {
    const at = (baseUrl: string) => clientWith(llmConfig(baseUrl)).client.resolve().provider.vendor?.keyHeader;
    expect(at("https://mine.openai.azure.com")).toBe("api-key");
    expect(at("https://mine.services.ai.azure.com/openai/v1")).toBe("api-key");
    expect(at("https://mine.openai.azure.com.example.org/v1")).toBeUndefined();
  });

  test.each<[string, number, unknown, string]>([
    [
      "no deployment",
      404,
      { error: { code: "DeploymentNotFound", message: "The API deployment does not exist." } },
      "model_gone",
    ],
    ["a retired one", 410, { error: { code: "ModelDeprecated", message: "The model is retired." } }, "model_gone"],
    ["a retired one, without a word", 410, "", "model_gone"],
    [
      "a filtered prompt",
      400,
      {
        error: {
          message: "The response was filtered due to the prompt triggering the content management policy.",
          code: "content_filter",
          param: "prompt",
          status: 400,
          innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: { hate: { filtered: true } } },
        },
      },
      "content_filter",
    ],
    ["a wrong key", 401, { error: { code: "401", message: "Access denied due to invalid subscription key." } }, "auth"],
  ])("%s", async (_name, status, body, kind) => {
    await using server = await startLlmServer([failure(status, { body })]);
    await using ends = clientOf(server, {}, { apiVersion: "2024-10-21" });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind, status, attempts: 1, retryable: false });
  });

  test.each([{ streaming: true }, { streaming: false }])(
    "a filtered answer is an answer that says so, streaming: $streaming",
    async ({ streaming }) => {
      const filtered = { content_filter_results: { violence: { filtered: true, severity: "high" } } };
      const step = streaming
        ? stream([
            { id: "", choices: [], prompt_filter_results: [] },
            { choices: [{ delta: {}, finish_reason: "content_filter", ...filtered }] },
            "data: [DONE]\n\n",
          ])
        : json({ choices: [{ message: { content: null }, finish_reason: "content_filter", ...filtered }] });
      await using server = await startLlmServer([step]);
      await using ends = clientOf(server);
      expect(await ends.ask({ streaming })).toMatchObject({
        message: { content: "" },
        finishReason: "content_filter",
        attempts: 1,
      });
    },
  );
});

describe("OpenRouter", () => {
  test("gets the app's name, and the configuration can change it", async () => {
    expect((await sent("openrouter", {})).headers["x-title"]).toBe("MCP-Platform");
    const headers = { "x-title": "Mine", "HTTP-Referer": "https://example.org" };
    expect((await sent("openrouter", { headers })).headers).toMatchObject({
      "x-title": "Mine",
      "http-referer": "https://example.org",
    });
  });

  test("an error inside a choice, after its comments, counts as the provider's error", async () => {
    const failed = { error: { code: 502, message: "Upstream is down" }, delta: {}, finish_reason: "error" };
    await using server = await startLlmServer([
      stream([": OPENROUTER PROCESSING\n\n", { choices: [failed] }]),
      json({ choices: [{ ...failed, message: { content: "" } }] }),
      answer("hello"),
    ]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: true })).toMatchObject({ message: { content: "hello" }, attempts: 3 });
  });

  test("gets all of `reasoning`", async () => {
    const reasoning = { max_tokens: 2000, exclude: true };
    expect((await sent("openrouter", { reasoning })).body.reasoning).toEqual(reasoning);
    expect((await sent("openrouter", {})).body).not.toHaveProperty("reasoning");
  });
});

describe("reasoning between tags", () => {
  const cases: [string, string, string, string | undefined][] = [
    ["tags around it", "<think>why</think>because", "because", "why"],
    ["blank lines around the tags", "\n<think>\nwhy\n</think>\n\nbecause", "because", "why\n"],
    ["no opening tag", "why</think>because", "because", "why"],
    ["no tags", "because", "because", undefined],
    ["no closing tag", "<think>why", "", "why"],
    ["nothing thought", "<think>\n\n</think>\n\nbecause", "because", undefined],
    ["thought again", "<think>a</think>b<think>c</think>d", "bd", "ac"],
    ["text before", "Well. <think>why</think>because", "Well. because", "why"],
    ["a closing tag too many", "<think>a</think>b</think>c", "b</think>c", "a"],
    ["what looks like a tag", "a < b <thin </thi", "a < b <thin </thi", undefined],
    ["a tag in the reasoning", "<think>a <think> b</think>c", "c", "a <think> b"],
  ];

  describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
    test.each(cases)("%s", async (_name, text, content, reasoning) => {
      for (const pieces of [[text], [...text]]) {
        const step = stream([...pieces.map((content) => chunk({ content })), chunk({}, "stop"), "data: [DONE]\n\n"]);
        await using server = await startLlmServer([streaming ? step : answer(text)]);
        const deltas: Delta[] = [];
        await using ends = clientOf(server, {}, { quirks: { thinkTags: true } });
        const onDelta = (event: Delta | { type: "discard" }) => void (event.type !== "discard" && deltas.push(event));
        const { message } = await ends.ask({ streaming, onDelta });
        expect({ content: message.content, reasoning: message.reasoning }).toEqual({ content, reasoning });
        const shown = (type: string) => deltas.flatMap((delta) => (delta.type === type ? delta.delta : [])).join("");
        if (streaming) {
          expect({ content: shown("text_delta"), reasoning: shown("reasoning_delta") || undefined }).toEqual({
            content,
            reasoning,
          });
        }
      }
    });
  });

  test("text that is held back keeps the stream alive, and tool calls and [DONE] release it", async () => {
    const call = chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "t0", arguments: "{}" } }] });
    for (const end of [[call, chunk({}, "tool_calls")], ["data: [DONE]\n\n"]]) {
      await using server = await startLlmServer([
        stream([chunk({ content: "Hel" }), chunk({ content: "lo" }), ...end]),
      ]);
      await using ends = clientOf(server, {}, { quirks: { thinkTags: true } });
      expect((await ends.ask({ streaming: true })).message.content).toBe("Hello");
      expect(ends.shown()).toBe("Hello");
    }
  });

  test("gives the same result however the text is cut", () => {
    const piece = fc.constantFrom("<think>", "</think>", "<", "think>", "a", " ", "\n", "</", "<think", "b c");
    const fold = (pieces: readonly string[]) => {
      const shown = { text_delta: "", reasoning_delta: "" };
      const tags = new ThinkTags((type, delta) => {
        shown[type] += delta;
      });
      for (const one of pieces) tags.push(one);
      tags.end();
      return shown;
    };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const whole = pieces.join("");
        expect(fold(pieces)).toEqual(fold([whole]));
        expect(fold([...whole])).toEqual(fold([whole]));
      }),
    );
  });

  test("takes time in proportion to its length", () => {
    const read = () => {
      let shown = 0;
      const tags = new ThinkTags((_type, delta) => {
        shown += delta.length;
      });
      for (let n = 0; n < 200_000; n++) tags.push("< word <think");
      tags.push("<think>".repeat(100_000));
      tags.push(`${"</think><think>".repeat(100_000)}`);
      tags.end();
      expect(shown).toBeGreaterThan(2_000_000);
    };
    expect(costMs(read)).toBeLessThan(1_000);
  });
});

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ProviderConfig } from "../../../../src/core/config.js";
import type { CompletionRequest, ContentPart, Message, ToolDefinition } from "../../../../src/core/messages.js";
import { answer, type StrictMock, startGemini } from "../../../support/strict/index.js";
import { geminiClient, user } from "./gemini-client.js";

let mock: StrictMock;
beforeAll(async () => {
  mock = await startGemini(() => answer("fine"));
});
afterAll(async () => mock[Symbol.asyncDispose]());

type Body = {
  contents?: { parts: object[] }[];
  generationConfig?: { thinkingConfig?: object };
  toolConfig?: object;
  tools?: object[];
};

/** Returns the body of the last request, which the mock has accepted. */
async function sent(request: Partial<CompletionRequest>, provider: ProviderConfig = {}): Promise<Body> {
  await using ends = geminiClient(mock, provider);
  await ends.ask({ streaming: true }, { messages: [user("hi")], tools: [], ...request });
  return mock.requests.at(-1)?.body as Body;
}

const olderModel = { model: "gemini-2.5-flash" };
const pro = { model: "gemini-2.5-pro" };
const tool = (name: string, inputSchema: object = { type: "object" }): ToolDefinition => {
  return { name, description: "", inputSchema: { ...inputSchema } };
};
const calling = (...names: string[]): Message => {
  const toolCalls = names.map((name, index) => ({ id: `id${index}`, name, arguments: `{"n":${index}}` }));
  return { role: "assistant", content: "", toolCalls };
};
const result = (toolCallId: string, ...content: ContentPart[]): Message => {
  return { role: "tool", toolCallId, content, isError: false };
};
const words = (text: string): ContentPart => ({ type: "text", text });
const png: ContentPart = { type: "image", data: "AAAA", mimeType: "image/png" };
const gif: ContentPart = { type: "image", data: "AAAA", mimeType: "image/gif" };
const wav: ContentPart = { type: "audio", data: "AAAA", mimeType: "audio/x-wav" };
const sentinel = "skip_thought_signature_validator";

describe("thinking, by model", () => {
  test.each<[string, ProviderConfig, object | undefined]>([
    ["unasked", {}, { includeThoughts: true }],
    ["unasked, before", olderModel, { includeThoughts: true }],
    ["unasked, of a model that does not by itself", { model: "gemini-2.5-flash-lite" }, undefined],
    ["low", { reasoning: { effort: "low" } }, { includeThoughts: true, thinkingLevel: "low" }],
    ["not shown", { reasoning: { effort: "high", summary: "none" } }, { thinkingLevel: "high" }],
    [
      "none, of a model that cannot",
      { reasoning: { effort: "none" } },
      { includeThoughts: true, thinkingLevel: "low" },
    ],
    [
      "none, of a fast one that cannot",
      { model: "gemini-3.5-flash", reasoning: { effort: "none" } },
      { includeThoughts: true, thinkingLevel: "minimal" },
    ],
    [
      "medium, of a model without it",
      { model: "gemini-3-pro-preview", reasoning: { effort: "medium" } },
      { includeThoughts: true, thinkingLevel: "high" },
    ],
    ["max", { reasoning: { effort: "max" } }, { includeThoughts: true, thinkingLevel: "high" }],
    ["none, before", { ...olderModel, reasoning: { effort: "none" } }, { thinkingBudget: 0 }],
    [
      "none, before, of a pro",
      { ...pro, reasoning: { effort: "none" } },
      { includeThoughts: true, thinkingBudget: 128 },
    ],
    [
      "medium, before",
      { ...olderModel, reasoning: { effort: "medium" } },
      { includeThoughts: true, thinkingBudget: 8192 },
    ],
    [
      "a budget of the user's own",
      {
        reasoning: { effort: "low" },
        extraBody: { generationConfig: { thinkingConfig: { thinkingBudget: 99 }, seed: 7 } },
      },
      { includeThoughts: true, thinkingBudget: 99 },
    ],
  ])("%s", async (_, provider, thinkingConfig) => {
    const body = await sent({}, { maxTokens: 50, ...provider });
    expect(body.generationConfig).toHaveProperty("maxOutputTokens", 50);
    expect(body.generationConfig?.thinkingConfig).toEqual(thinkingConfig);
  });
});

test("a system message within the conversation stands where it is, and behind the results of open calls", async () => {
  const messages: Message[] = [
    user("go"),
    calling("read"),
    { role: "system", content: "Be short." },
    result("id0", words("4")),
    { role: "system", content: "" },
    { role: "assistant", content: "four", toolCalls: [] },
    { role: "system", content: "Be kind." },
  ];
  const { contents } = await sent({ messages, tools: [tool("read")] });
  expect(contents?.slice(2)).toEqual([
    { role: "user", parts: [{ functionResponse: { name: "read", response: { output: "4" } } }] },
    { role: "user", parts: [{ text: "<system>\nBe short.\n</system>" }] },
    { role: "model", parts: [{ text: "four" }] },
    { role: "user", parts: [{ text: "<system>\nBe kind.\n</system>" }] },
  ]);
});

test("system texts, parameters and the user's fields have their places", async () => {
  const messages: Message[] = [{ role: "system", content: "be kind" }, user("hi")];
  const extraBody = { safetySettings: [], generationConfig: { seed: 7 } };
  const provider = { temperature: 1, topP: 0.9, maxTokens: 100, extraBody };
  expect(await sent({ messages, maxTokens: 20 }, provider)).toEqual({
    systemInstruction: { parts: [{ text: "be kind" }] },
    contents: [{ role: "user", parts: [{ text: "hi" }] }],
    generationConfig: {
      temperature: 1,
      topP: 0.9,
      maxOutputTokens: 20,
      thinkingConfig: { includeThoughts: true },
      seed: 7,
    },
    safetySettings: [],
  });
});

test.each<[Partial<CompletionRequest>, object | undefined]>([
  [{}, undefined],
  [{ toolChoice: "required" }, { mode: "ANY" }],
  [{ toolChoice: { name: "1st__f" } }, { mode: "ANY", allowedFunctionNames: ["_1st__f"] }],
  [{ toolChoice: "none" }, { mode: "NONE" }],
  [{ toolChoice: "none", tools: [] }, undefined],
])("the choice of the called tool: %j", async (choice, functionCallingConfig) => {
  const { toolConfig, tools } = await sent({ tools: [tool("1st__f"), tool("g")], ...choice });
  expect(toolConfig).toEqual(functionCallingConfig && { functionCallingConfig });
  if (functionCallingConfig)
    expect(tools).toMatchObject([{ functionDeclarations: [{ name: "_1st__f" }, { name: "g" }] }]);
});

test("schemas of tools are sent as they are, in the order of the tools", async () => {
  const schema = {
    type: "object",
    properties: { a: { type: ["string", "null"], const: "x" }, b: { $ref: "#/$defs/b" } },
    $defs: { b: { oneOf: [{ type: "string" }, { type: "array", items: {} }] } },
    additionalProperties: false,
  };
  const { tools } = await sent({ tools: [tool("z", schema), tool("a")] });
  expect(tools).toEqual([
    {
      functionDeclarations: [
        { name: "z", parametersJsonSchema: schema },
        { name: "a", parametersJsonSchema: { type: "object", properties: {} } },
      ],
    },
  ]);
});

test("a tool is called by the name that the host has for it", async () => {
  await using calling = await startGemini([{ parts: [{ kind: "calls", name: "_1st__f", arguments: "{}" }] }]);
  await using ends = geminiClient(calling);
  const { message } = await ends.ask({ streaming: true }, { messages: [user("hi")], tools: [tool("1st__f")] });
  expect(message.toolCalls).toMatchObject([{ name: "1st__f" }]);
});

describe("history that another model wrote", () => {
  const calls = (...names: string[]) =>
    names.map((name, n) => ({
      functionCall: { name, args: { n } },
      ...(n === 0 ? { thoughtSignature: sentinel } : {}),
    }));
  const response = (name: string, output: string) => ({ functionResponse: { name, response: { output } } });

  test("each step has the sentinel on its first call, in every turn; no id is made up", async () => {
    const messages = [
      user("one"),
      calling("f", "g"),
      result("id1", words("G")),
      result("id0", words("F")),
      { role: "assistant" as const, content: "done", toolCalls: [] },
      user("two"),
      calling("f"),
      result("id0", words("F")),
    ];
    expect((await sent({ messages })).contents).toEqual([
      { role: "user", parts: [{ text: "one" }] },
      { role: "model", parts: calls("f", "g") },
      { role: "user", parts: [response("f", "F"), response("g", "G")] },
      { role: "model", parts: [{ text: "done" }] },
      { role: "user", parts: [{ text: "two" }] },
      { role: "model", parts: calls("f") },
      { role: "user", parts: [response("f", "F")] },
    ]);
    const older = (await sent({ messages }, olderModel)) as object;
    expect(JSON.stringify(older)).not.toContain(sentinel);
  });

  test("fields that other wires leave out or write otherwise are completed", async () => {
    const messages: Message[] = [
      { role: "assistant", content: "How can I help?", toolCalls: [] },
      user(""),
      { role: "assistant", content: "", toolCalls: [] },
      { role: "assistant", content: "Let me", toolCalls: [] },
      { role: "assistant", content: "", toolCalls: [{ id: "", name: "f.g h", arguments: "[1" }] },
      result("", words("first")),
      result("unknown", words("second")),
      { role: "assistant", content: "", toolCalls: [{ id: "a", name: "f", arguments: "{}" }] },
      user("more"),
    ];
    expect((await sent({ messages })).contents).toEqual([
      { role: "user", parts: [{ text: "(the conversation so far)" }] },
      { role: "model", parts: [{ text: "How can I help?" }] },
      { role: "user", parts: [{ text: "(empty)" }] },
      {
        role: "model",
        parts: [
          { text: "Let me" },
          { functionCall: { name: "f_g_h", args: { invalid_json: "[1" } }, thoughtSignature: sentinel },
        ],
      },
      { role: "user", parts: [{ functionResponse: { name: "f_g_h", response: { output: "first" } } }] },
      { role: "user", parts: [{ text: "second" }] },
      { role: "model", parts: [{ functionCall: { name: "f", args: {} }, thoughtSignature: sentinel }] },
      { role: "user", parts: [{ functionResponse: { name: "f", response: { error: "the call has no result" } } }] },
      { role: "user", parts: [{ text: "more" }] },
    ]);
  });
});

describe("results", () => {
  const asked = async (content: ContentPart[], provider: ProviderConfig = {}, isError = false) => {
    const messages = [user("go"), calling("f"), { role: "tool" as const, toolCallId: "id0", content, isError }];
    const { contents } = await sent({ messages }, provider);
    return contents?.at(-1)?.parts;
  };
  const inlineData = { mimeType: "image/png", data: "AAAA" };
  const of = (response: object, more: object = {}) => ({ functionResponse: { name: "f", response, ...more } });

  test.each<[string, ContentPart[], ProviderConfig, object[]]>([
    ["two texts", [words("a"), words("b")], {}, [of({ output: "a\nb" })]],
    ["nothing", [], {}, [of({ output: "(no output)" })]],
    ["a picture", [words("seen"), png], {}, [of({ output: "seen" }, { parts: [{ inlineData }] })]],
    ["a picture alone", [png], {}, [of({ output: "(no output)" }, { parts: [{ inlineData }] })]],
    [
      "a picture, before Gemini 3",
      [words("seen"), png],
      olderModel,
      [of({ output: "seen\n(1 attachment(s) beside this result)" }), { inlineData }],
    ],
    [
      "sound",
      [wav],
      {},
      [of({ output: "(1 attachment(s) beside this result)" }), { inlineData: { mimeType: "audio/wav", data: "AAAA" } }],
    ],
    [
      "a picture that Gemini does not take",
      [gif],
      {},
      [of({ output: "[image image/gif, 3 bytes: it is in the log, but you cannot take it]" })],
    ],
    [
      "a picture that the model does not take",
      [png],
      { quirks: { images: false } },
      [of({ output: "[image image/png, 3 bytes: it is in the log, but you cannot take it]" })],
    ],
    ["a link", [{ type: "resource_link", uri: "a://b" }], {}, [of({ output: "[resource a://b]" })]],
  ])("%s", async (_, content, provider, parts) => {
    expect(await asked(content, provider)).toEqual(parts);
  });

  test("an error", async () => {
    expect(await asked([words("no")], {}, true)).toEqual([of({ error: "no" })]);
  });
});

test("pictures and sound of a user", async () => {
  const messages: Message[] = [{ role: "user", content: [words("look"), png, wav, gif] }];
  expect((await sent({ messages })).contents).toEqual([
    {
      role: "user",
      parts: [
        { text: "look" },
        { inlineData: { mimeType: "image/png", data: "AAAA" } },
        { inlineData: { mimeType: "audio/wav", data: "AAAA" } },
        { text: "[image image/gif, 3 bytes: it is in the log, but you cannot take it]" },
      ],
    },
  ]);
});

test.each([
  ["models/gemini-3.5-pro", "", "/v1beta/models/gemini-3.5-pro:generateContent"],
  ["gemini-3.5-pro", "?x=1", "/v1beta/models/gemini-3.5-pro:generateContent?x=1"],
  ["gemini-3.5-pro", "/", "/v1beta/models/gemini-3.5-pro:generateContent"],
])("the address of %s with %s behind the base URL", async (model, behind, path) => {
  await using ends = geminiClient(mock, { model, baseUrl: `${mock.url}${behind}` });
  await ends.ask({ streaming: false }, { messages: [user("hi")], tools: [] });
  const { url } = mock.requests.at(-1) as { url: URL };
  expect(`${url.pathname}${url.search}`).toBe(path);
});

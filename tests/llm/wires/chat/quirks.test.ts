import { describe, expect, test } from "@jest/globals";
import type { Completion, ToolCall, Usage } from "../../../../src/core/messages.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  json,
  type Piece,
  startLlmServer,
  stream,
  toolCalls,
} from "../../../support/llm-server.js";
import { clientOf } from "../../client-of.js";

/** A quirk of a provider as a reference case: the bytes on the wire and the completion that they must become. */
interface Case {
  name: string;
  pieces: Piece[];
  expected: Partial<Completion["message"]> & Partial<Pick<Completion, "finishReason" | "usage">>;
}

const done = "data: [DONE]\n\n";
const hello = chunk({ content: "Hello" });
const stop = chunk({}, "stop");
const call = (piece: object) => chunk({ tool_calls: [piece] });
const called = (...calls: [string, string, string][]): ToolCall[] =>
  calls.map(([id, name, text]) => ({ id, name, arguments: text }));

/** Usage as a provider counts it, and its meaning: all input, all output, and how much of them was cached or reasoning. */
const usages: [name: string, usage: object, expected: Usage][] = [
  [
    "OpenAI and OpenRouter count cache writes among the details of the input",
    {
      prompt_tokens: 100,
      completion_tokens: 2,
      total_tokens: 102,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
    },
    { inputTokens: 100, outputTokens: 2, cachedTokens: 60, cacheWriteTokens: 30 },
  ],
  [
    "LiteLLM has Anthropic's counts beside prompt_tokens, which contains them",
    {
      prompt_tokens: 100,
      completion_tokens: 2,
      total_tokens: 102,
      prompt_tokens_details: { cached_tokens: 60 },
      cache_read_input_tokens: 60,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    },
    { inputTokens: 100, outputTokens: 2, cachedTokens: 60, cacheWriteTokens: 30, cacheWrite1hTokens: 20 },
  ],
  [
    "Anthropic's input_tokens does not contain what was cached",
    { input_tokens: 10, output_tokens: 2, cache_read_input_tokens: 60, cache_creation_input_tokens: 30 },
    { inputTokens: 100, outputTokens: 2, cachedTokens: 60, cacheWriteTokens: 30 },
  ],
  [
    "DeepSeek's cache hits",
    { prompt_tokens: 100, completion_tokens: 2, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
    { inputTokens: 100, outputTokens: 2, cachedTokens: 64 },
  ],
  [
    "Moonshot's cached tokens",
    { prompt_tokens: 9, completion_tokens: 2, cached_tokens: 8 },
    { inputTokens: 9, outputTokens: 2, cachedTokens: 8 },
  ],
  [
    "xAI counts reasoning beside the output",
    {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { cached_tokens: 5 },
      completion_tokens_details: { reasoning_tokens: 94 },
    },
    { inputTokens: 32, outputTokens: 103, reasoningTokens: 94, cachedTokens: 5 },
  ],
  [
    "Gemini counts reasoning in the total only",
    { prompt_tokens: 8, completion_tokens: 10, total_tokens: 118 },
    { inputTokens: 8, outputTokens: 110, reasoningTokens: 100 },
  ],
  [
    "a total that also has what was cached says nothing about reasoning",
    { prompt_tokens: 8, completion_tokens: 10, total_tokens: 118, prompt_tokens_details: { cached_tokens: 100 } },
    { inputTokens: 8, outputTokens: 10, cachedTokens: 100 },
  ],
];

const cases: Case[] = [
  {
    name: "comments between and inside events are skipped",
    pieces: [": OPENROUTER PROCESSING\n\n", ": again\n", hello, stop, done],
    expected: { content: "Hello" },
  },
  {
    name: "CRLF frames",
    pieces: [
      `data: ${JSON.stringify(hello)}\r\n\r\n`,
      `data: ${JSON.stringify(stop)}\r`,
      "\n\r",
      "\ndata: [DONE]\r\n\r\n",
    ],
    expected: { content: "Hello", finishReason: "stop" },
  },
  {
    name: "no space after data:, a byte order mark, an id and a retry field",
    pieces: ["\uFEFFretry: 3000\nid: 1\n", `data:${JSON.stringify(hello)}\n\n`, "data:[DONE]\n\n"],
    expected: { content: "Hello", finishReason: "unknown" },
  },
  {
    name: "data: null and data: ping between chunks",
    pieces: [hello, "data: null\n\n", "data: ping\n\n", "data: \n\n", stop, done],
    expected: { content: "Hello" },
  },
  {
    name: "usage in a last chunk without choices, with choices null, and null before",
    pieces: [
      { ...hello, usage: null },
      stop,
      { choices: [], usage: null },
      {
        choices: null,
        usage: {
          prompt_tokens: 7,
          completion_tokens: 2,
          completion_tokens_details: { reasoning_tokens: 1 },
          prompt_tokens_details: { cached_tokens: 5 },
        },
        timings: { predicted_ms: 1 },
      },
      done,
    ],
    expected: { usage: { inputTokens: 7, outputTokens: 2, reasoningTokens: 1, cachedTokens: 5 } },
  },
  ...usages.map(
    ([name, usage, expected]): Case => ({
      name: `usage: ${name}`,
      pieces: [hello, stop, { choices: [], usage }, done],
      expected: { usage: expected },
    }),
  ),
  {
    name: "usage without numbers is no usage",
    pieces: [hello, stop, { choices: [], usage: { prompt_tokens: null } }, done],
    expected: { usage: undefined },
  },
  {
    name: "Azure's first chunk",
    pieces: [{ id: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] }, hello, stop, done],
    expected: { content: "Hello" },
  },
  {
    name: "a delta that is null, a chunk that is empty, a first chunk without a role",
    pieces: [{ choices: [{ delta: null }] }, {}, { choices: [{}] }, hello, stop, done],
    expected: { content: "Hello" },
  },
  {
    name: "reasoning under either name",
    pieces: [chunk({ reasoning: "a" }), chunk({ reasoning_content: "b" }), hello, stop, done],
    expected: { reasoning: "ab", content: "Hello" },
  },
  {
    name: "reasoning under both names at once is not doubled",
    pieces: [chunk({ reasoning: "a", reasoning_content: "a", content: null }), hello, stop, done],
    expected: { reasoning: "a" },
  },
  {
    name: "content in parts, thinking among them",
    pieces: [
      chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] }),
      chunk({
        content: [
          { type: "text", text: "Hel" },
          { type: "text", text: "lo" },
        ],
      }),
      stop,
      done,
    ],
    expected: { reasoning: "hm", content: "Hello" },
  },
  {
    name: "tags in the text stay text",
    pieces: [chunk({ content: "<think>x</think><tool_call>{}</tool_call>" }), stop, done],
    expected: { content: "<think>x</think><tool_call>{}</tool_call>", toolCalls: [], finishReason: "stop" },
  },
  {
    name: "a refusal is shown, and is a refusal",
    pieces: [chunk({ refusal: "I can't." }), stop, done],
    expected: { content: "I can't.", finishReason: "content_filter" },
  },
  {
    name: "a filtered answer without content is an answer",
    pieces: [chunk({ content: null }, "content_filter"), done],
    expected: { content: "", finishReason: "content_filter" },
  },
  {
    name: "an empty answer that says stop is an answer",
    pieces: [chunk({ content: "" }), stop, done],
    expected: { content: "", finishReason: "stop" },
  },
  ...(["end_turn", "EOS", "stop_sequence"] as const).map((word) => reason(word, "stop")),
  ...(["MAX_TOKENS", "model_context_window_exceeded"] as const).map((word) => reason(word, "length")),
  ...(["sensitive", "SAFETY"] as const).map((word) => reason(word, "content_filter")),
  ...(["whatever", "eventually"] as const).map((word) => reason(word, "unknown")),
  {
    name: "arguments a character at a time",
    pieces: [
      call({ index: 0, id: "a", function: { name: "f", arguments: "" } }),
      ...[...'{"a" :2}'].map((c) => call({ index: 0, function: { arguments: c } })),
      chunk({}, "tool_calls"),
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"a" :2}']), finishReason: "tool_calls" },
  },
  {
    name: "two calls whose pieces alternate",
    pieces: [
      call({ index: 0, id: "a", function: { name: "f" } }),
      call({ index: 1, id: "b", function: { name: "g" } }),
      call({ index: 1, function: { arguments: "{}" } }),
      call({ index: 0, function: { arguments: '{"x":1}' } }),
      chunk({}, "tool_calls"),
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}'], ["b", "g", "{}"]) },
  },
  {
    name: "no index: calls by id, pieces to the open call",
    pieces: [
      call({ id: "a", function: { name: "f", arguments: "" } }),
      call({ function: { arguments: '{"x":' } }),
      call({ function: { arguments: "1}" } }),
      call({ id: "b", function: { name: "f", arguments: "{}" } }),
      chunk({}, "tool_calls"),
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}'], ["b", "f", "{}"]) },
  },
  {
    name: "no index, two calls in every list: by position",
    pieces: [
      chunk({ tool_calls: [{ function: { name: "f" } }, { function: { name: "f" } }] }),
      chunk({ tool_calls: [{ function: { arguments: '{"x":1}' } }, { function: { arguments: '{"x":2}' } }] }),
      chunk({}, "tool_calls"),
      done,
    ],
    expected: { toolCalls: called(["call_new2", "f", '{"x":1}'], ["call_new3", "f", '{"x":2}']) },
  },
  {
    name: "all calls with index 0, told apart by their ids",
    pieces: [
      call({ index: 0, id: "a", function: { name: "f", arguments: "{}" } }),
      call({ index: 0, id: "b", function: { name: "f", arguments: '{"x":' } }),
      call({ index: 0, function: { arguments: "1}" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", "{}"], ["b", "f", '{"x":1}']), finishReason: "tool_calls" },
  },
  {
    name: "all calls with index 0 and without ids, whole",
    pieces: [
      call({ index: 0, id: "", function: { name: "f", arguments: '{"x":1}' } }),
      call({ index: 0, id: "", function: { name: "f", arguments: '{"x":2}' } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["call_new2", "f", '{"x":1}'], ["call_new3", "f", '{"x":2}']) },
  },
  {
    name: "name and id repeated in every piece",
    pieces: [
      call({ index: 0, id: "a", function: { name: "f", arguments: '{"x"' } }),
      call({ index: 0, id: "a", function: { name: "f", arguments: ":1}" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}']) },
  },
  {
    name: "an id that comes late, and one that is null",
    pieces: [
      call({ index: 0, id: null, function: { name: "f", arguments: "{" } }),
      call({ index: 0, id: "late", function: { arguments: "}" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["late", "f", "{}"]) },
  },
  {
    name: "pieces that are no lists, as older versions of TGI send them",
    pieces: [
      chunk({ tool_calls: { index: 0, id: "a", function: { name: "f", arguments: '{"x"' } } }),
      chunk({ tool_calls: { index: 0, id: "a", function: { arguments: ":1}" } } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}']) },
  },
  {
    name: "a name in two pieces, the second without an id",
    pieces: [
      call({ index: 0, id: "a", function: { name: "fs__" } }),
      call({ index: 0, function: { name: "read" } }),
      call({ index: 0, function: { arguments: '{"x":1}' } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "fs__read", '{"x":1}']) },
  },
  {
    name: "a name in pieces, each with the id, then whole",
    pieces: [
      ...["f", "s__re", "ad", "fs__read"].map((name) => call({ index: 0, id: "a", function: { name, arguments: "" } })),
      call({ index: 0, id: "a", function: { name: "fs__read", arguments: "{}" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "fs__read", "{}"]) },
  },
  {
    name: "a name that is all of it so far each time",
    pieces: [
      ...["fs_", "fs__re", "fs__read"].map((name) => call({ index: 0, function: { name, arguments: "" } })),
      stop,
      done,
    ],
    expected: { toolCalls: called(["call_new2", "fs__read", "{}"]) },
  },
  {
    name: "two calls without ids and arguments, of which one is a tool",
    pieces: [
      call({ index: 0, function: { name: "fs__read", arguments: "" } }),
      call({ index: 0, function: { name: "g", arguments: "" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["call_new2", "fs__read", "{}"], ["call_new3", "g", "{}"]) },
  },
  {
    name: "two calls at one place, under one id, of two tools",
    pieces: [
      call({ index: 0, id: "a", function: { name: "f", arguments: "{}" } }),
      call({ index: 0, id: "a", function: { name: "g", arguments: "{}" } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", "{}"], ["call_new2", "g", "{}"]) },
  },
  {
    name: "arguments that are all of them so far each time",
    pieces: [
      ...["", '{"x"', '{"x":1', '{"x":12}'].map((text) =>
        call({ index: 0, id: "a", function: { name: "f", arguments: text } }),
      ),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":12}']) },
  },
  {
    name: "arguments in pieces, then whole",
    pieces: [
      ...['{"x"', ":1}", '{"x":1}'].map((text) =>
        call({ index: 0, id: "a", function: { arguments: text, name: "f" } }),
      ),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}']) },
  },
  {
    name: "empty arguments first, then the real ones",
    pieces: [
      ...["{}", '{"x"', ":1}"].map((text) => call({ index: 0, id: "a", function: { arguments: text, name: "f" } })),
      stop,
      done,
    ],
    expected: { toolCalls: called(["a", "f", '{"x":1}']) },
  },
  ...[{ index: 0, id: "a" }, { index: 0 }, { id: "a" }, {}].map((named) => ({
    name: `the same call sent again, known by ${JSON.stringify(named)}`,
    pieces: [1, 2, 3]
      .map((): Piece => call({ ...named, function: { name: "f", arguments: '{"x":1}' } }))
      .concat(chunk({}, "tool_calls"), done),
    expected: { toolCalls: called(["id" in named ? "a" : "call_new2", "f", '{"x":1}']) },
  })),
  ...[{}, { delta: {} }, { delta: { content: "" } }, { delta: null }].map((beside) => ({
    name: `the whole message in the last chunk, beside ${JSON.stringify(beside)}`,
    pieces: [
      chunk({ reasoning_content: "hm" }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      call({ index: 0, id: "a", function: { name: "f", arguments: "{}" } }),
      {
        choices: [
          {
            ...beside,
            message: {
              content: "Hello.",
              reasoning_content: "hm",
              tool_calls: ["a", "b"].map((id) => ({ id, function: { name: "f", arguments: "{}" } })),
            },
            finish_reason: "tool_calls",
          },
        ],
      },
      done,
    ],
    expected: { content: "Hello.", reasoning: "hm", toolCalls: called(["a", "f", "{}"], ["b", "f", "{}"]) },
  })),
  {
    name: "messages in place of deltas, all of it so far and then a piece",
    pieces: ["He", "Hel", "lo"].map((content): Piece => ({ choices: [{ message: { content } }] })).concat(stop, done),
    expected: { content: "Hello" },
  },
  {
    name: "each message so far beside its delta, as Perplexity",
    pieces: [
      { choices: [{ delta: { content: "Hel" }, message: { content: "Hel" } }] },
      { choices: [{ delta: { content: "lo" }, message: { content: "Hello" } }] },
      { choices: [{ delta: { content: "" }, message: { content: "Hello" }, finish_reason: "stop" }] },
      done,
    ],
    expected: { content: "Hello", finishReason: "stop" },
  },
  {
    name: "Groq's usage, in its own object",
    pieces: [hello, { ...stop, x_groq: { usage: { prompt_tokens: 7, completion_tokens: 2 } } }, done],
    expected: { usage: { inputTokens: 7, outputTokens: 2 } },
  },
  {
    name: "finishReason in camelCase",
    pieces: [{ choices: [{ delta: { content: "Hello" }, finishReason: "length" }] }],
    expected: { content: "Hello", finishReason: "length" },
  },
  {
    name: "reasoning_details alone are shown as reasoning",
    pieces: [
      chunk({ reasoning_details: [{ type: "reasoning.text", text: "h", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.text", text: "m", index: 0 }] }),
      hello,
      stop,
      done,
    ],
    expected: { reasoning: "hm", content: "Hello" },
  },
  {
    name: "blocks of reasoning_details stay apart, in their order, each once",
    pieces: [
      chunk({ reasoning: "a", reasoning_details: [{ type: "reasoning.text", text: "a", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.text", signature: "S", index: 0 }] }),
      chunk({ reasoning: "b", reasoning_details: [{ type: "reasoning.text", text: "b", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", id: "a", data: "X" }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", id: "b", data: "Y" }] }),
      call({ index: 0, id: "a", function: { name: "f", arguments: "{}" } }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", id: "b", data: "Y" }] }, "tool_calls"),
      done,
    ],
    expected: {
      reasoning: "ab",
      kept: {
        wire: "chat",
        provider: "test",
        account: expect.any(String) as unknown as string,
        model: "m1",
        parts: [
          { opaque: { type: "reasoning.text", text: "a", signature: "S", index: 0 } },
          { opaque: { type: "reasoning.text", text: "b", index: 0 } },
          { opaque: { type: "reasoning.encrypted", id: "a", data: "X" } },
          { opaque: { type: "reasoning.encrypted", id: "b", data: "Y" } },
          { call: 0 },
        ],
      },
    },
  },
  {
    name: "the same id for two calls",
    pieces: [
      call({ index: 0, id: "f", function: { name: "f", arguments: "{}" } }),
      call({ index: 1, id: "f", function: { name: "f", arguments: '{"x":1}' } }),
      stop,
      done,
    ],
    expected: { toolCalls: called(["f", "f", "{}"], ["call_new2", "f", '{"x":1}']) },
  },
  {
    name: "arguments as an object",
    pieces: [call({ index: 0, id: "a", function: { name: "f", arguments: { x: [1] } } }), stop, done],
    expected: { toolCalls: called(["a", "f", '{"x":[1]}']) },
  },
  ...["", " \n", null, undefined].map((empty) => ({
    name: `arguments ${JSON.stringify(empty)} of a tool without parameters`,
    pieces: [call({ index: 0, id: "a", function: { name: "f", arguments: empty } }), stop, done],
    expected: { toolCalls: called(["a", "f", "{}"]) },
  })),
  {
    name: "arguments that are no JSON stay as they are, and so does length",
    pieces: [call({ index: 0, id: "a", function: { name: "f", arguments: '{"x":' } }), chunk({}, "length"), done],
    expected: { toolCalls: called(["a", "f", '{"x":']), finishReason: "length" },
  },
  {
    name: "tool_calls said, none made",
    pieces: [hello, chunk({}, "tool_calls"), done],
    expected: { toolCalls: [], finishReason: "stop" },
  },
  {
    name: "Gemini's thought signature stays with its call",
    pieces: [
      call({
        index: 0,
        id: "a",
        function: { name: "f", arguments: "{}" },
        extra_content: { google: { thought_signature: "S" } },
      }),
      stop,
      done,
    ],
    expected: {
      toolCalls: called(["a", "f", "{}"]),
      kept: {
        wire: "chat",
        provider: "test",
        account: expect.any(String) as unknown as string,
        model: "m1",
        parts: [{ call: 0, extra: { extra_content: { google: { thought_signature: "S" } } } }],
      },
    },
  },
];

function reason(word: string, finishReason: Completion["finishReason"]): Case {
  return { name: `finish_reason ${word}`, pieces: [hello, chunk({}, word), done], expected: { finishReason } };
}

describe.each([{ streaming: true }, { streaming: false }])(
  "a stream answered, streaming: $streaming",
  ({ streaming }) => {
    test.each(cases)("$name", async ({ pieces, expected }) => {
      await using server = await startLlmServer([stream(pieces)]);
      await using ends = clientOf(server);
      const { message, finishReason, usage } = await ends.ask({ streaming });
      expect({ ...message, finishReason, usage }).toMatchObject(expected);
    });
  },
);

test.each(cases.filter(({ pieces }) => pieces.length < 20))(
  "cut at every byte: $name",
  async ({ pieces, expected }) => {
    await using server = await startLlmServer([stream(pieces, { splitAt: 1 })]);
    await using ends = clientOf(server);
    const { message, finishReason, usage } = await ends.ask({ streaming: true });
    expect({ ...message, finishReason, usage }).toMatchObject(expected);
  },
);

test.each([1, 2, 3, 5, 7])("characters of several bytes survive pieces of %i", async (splitAt) => {
  const text = "北京🌍ь é";
  await using server = await startLlmServer([stream([chunk({ content: text }), stop, done], { splitAt })]);
  await using ends = clientOf(server);
  expect((await ends.ask({ streaming: true })).message.content).toBe(text);
  expect(ends.shown()).toBe(text);
});

test("the same answer, streamed and whole, is the same completion", async () => {
  const steps = [
    answer("some words", { reasoning: "thinking" }),
    toolCalls([
      { name: "f", arguments: { x: 1 } },
      { name: "g", arguments: {}, id: "own" },
    ]),
  ];
  for (const step of steps) {
    await using server = await startLlmServer([step, step]);
    await using ends = clientOf(server);
    const streamed = await ends.ask({ streaming: true });
    expect(await ends.ask({ streaming: false })).toEqual(streamed);
    expect(server.requests.map(({ body }) => body.stream)).toEqual([true, false]);
  }
});

describe("whole answers", () => {
  const message = (fields: object, finish: unknown = "stop") => ({
    choices: [{ message: { role: "assistant", ...fields }, finish_reason: finish }],
  });

  test.each<[string, object, Case["expected"]]>([
    [
      "content null with calls",
      message({ content: null, tool_calls: [{ id: "a", function: { name: "f", arguments: "{}" } }] }),
      { content: "", toolCalls: called(["a", "f", "{}"]), finishReason: "tool_calls" },
    ],
    [
      "two calls of the same tool without ids",
      message({ tool_calls: [{ function: { name: "f", arguments: {} } }, { function: { name: "f", arguments: {} } }] }),
      { toolCalls: called(["call_new2", "f", "{}"], ["call_new3", "f", "{}"]) },
    ],
    ["no finish_reason", message({ content: "Hello" }, null), { content: "Hello", finishReason: "unknown" }],
    ["reasoning", message({ content: "Hello", reasoning: "hm", reasoning_content: "hm" }), { reasoning: "hm" }],
    [
      "finishReason in camelCase",
      { choices: [{ message: { content: "Hello" }, finishReason: "length" }] },
      { finishReason: "length" },
    ],
    ["error: null beside the answer", { error: null, ...message({ content: "Hello" }) }, { content: "Hello" }],
  ])("%s", async (_name, document, expected) => {
    await using server = await startLlmServer([json(document)]);
    await using ends = clientOf(server);
    const completion = await ends.ask({ streaming: false });
    expect({ ...completion.message, finishReason: completion.finishReason }).toMatchObject(expected);
  });

  test("a document in place of a stream is shown and read like the stream", async () => {
    await using server = await startLlmServer([
      json(message({ content: "Hello" }), { "content-type": "text/event-stream" }),
    ]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming: true })).message.content).toBe("Hello");
    expect(ends.shown()).toBe("Hello");
  });

  test.each(["data: [DONE]", "\n\ndata: [DONE]\n\n"])("a document followed by %j is whole", async (done) => {
    await using server = await startLlmServer([json(`${JSON.stringify(message({ content: "Hello" }))}${done}`)]);
    await using ends = clientOf(server);
    expect((await ends.ask({ streaming: false })).message.content).toBe("Hello");
  });

  test.each<[string, ReturnType<typeof json>]>([
    ["without choices", json({ id: "x" })],
    ["with no choice", json({ choices: [] })],
    ["cut in the middle", stream(['{"choices":[{"mess', cutStream])],
    ["ended cleanly in the middle", json('{"choices":[{"mess')],
    ["nothing at all", json("")],
    ["text", json("upstream unavailable")],
    ["an error that passes", json({ error: { code: 503, message: "busy" } })],
    ["an error in a list", json([{ error: { code: 500, message: "internal" } }])],
  ])("%s: repeated", async (_name, step) => {
    await using server = await startLlmServer([step, answer("hello")]);
    await using ends = clientOf(server);
    expect(await ends.ask({ streaming: false })).toMatchObject({ message: { content: "hello" }, attempts: 2 });
  });

  test("an error's status inside a 200 comes from its code or type", async () => {
    const errors = [
      { code: 402, message: "x" },
      { type: "authentication_error", message: "x" },
      { code: "model_not_found", message: "x" },
    ];
    await using server = await startLlmServer(errors.map((error) => json({ error })));
    await using ends = clientOf(server);
    expect(await ends.fails({ streaming: false })).toMatchObject({ kind: "quota", status: 402 });
    expect(await ends.fails({ streaming: false })).toMatchObject({ kind: "auth", status: 401 });
    expect(await ends.fails({ streaming: false })).toMatchObject({ kind: "model_gone", attempts: 1 });
  });
});

test("the same ids again in the next answer are made unique for the conversation", async () => {
  await using server = await startLlmServer(() => toolCalls([{ name: "f", arguments: {} }]));
  await using ends = clientOf(server);
  const first = await ends.ask({ streaming: true });
  const messages = [first.message, { role: "tool" as const, toolCallId: "call_1", content: [], isError: false }];
  const second = await ends.ask({ streaming: true }, { messages, tools: [] });
  expect([first, second].map(({ message }) => message.toolCalls[0]?.id)).toEqual(["call_1", "call_new3"]);
});

test("an event beyond 8 MB ends the answer", async () => {
  await using server = await startLlmServer([stream([`data: ${"x".repeat(9_000_000)}`])]);
  await using ends = clientOf(server);
  expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "protocol", retryable: false });
});

test("the error of a gateway's HTML page has its title", async () => {
  const body = "<html><head><title>502 Bad Gateway</title></head></html>";
  await using server = await startLlmServer([failure(502, { body })]);
  await using ends = clientOf(server, { maxRetries: 0 });
  expect((await ends.fails({ streaming: true })).message).toBe("test/m1: error 502: an HTML page (502 Bad Gateway)");
});

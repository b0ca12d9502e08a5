import { expect, test } from "@jest/globals";
import type { Message } from "../../../../src/core/messages.js";
import {
  answer,
  calls,
  ending,
  loop,
  says,
  startAnthropic,
  thinks,
  thinksRedacted,
} from "../../../support/strict/index.js";
import { loopTools, messagesClient, resultsOf, runLoop, system, user } from "./loop.js";

const request = (...messages: Message[]) => ({ messages: [system, ...messages], tools: loopTools });
const hi = request(user("hi"));

test("an answer is the same streamed or not: thinking, text, calls in their order, usage", async () => {
  const step = () => answer(thinks("Grüße 🌍"), says("I add."), calls("calc__add", { a: 1 }), calls("calc__add"));
  await using mock = await startAnthropic([step(), step()]);
  await using client = messagesClient(mock);
  const [streamed, whole] = [await client.ask({ streaming: true }, hi), await client.ask({ streaming: false }, hi)];
  expect(client.shown()).toBe("Grüße 🌍I add.");
  const ids = (text: string) => text.replaceAll(/toolu_\w+|"signature":"[^"]*"/g, "ID");
  expect(ids(JSON.stringify(whole.message))).toBe(ids(JSON.stringify(streamed.message)));
  expect(streamed).toMatchObject({
    finishReason: "tool_calls",
    message: {
      content: "I add.",
      reasoning: "Grüße 🌍",
      toolCalls: [
        { name: "calc__add", arguments: '{"a":1}' },
        { name: "calc__add", arguments: "{}" },
      ],
      kept: {
        wire: "messages",
        model: "claude-opus-5",
        parts: [{ opaque: { type: "thinking", thinking: "Grüße 🌍" } }, { text: 6 }, { call: 0 }, { call: 1 }],
      },
    },
    usage: { reasoningTokens: mock.hops[0]?.reasoning, outputTokens: mock.hops[0]?.output },
  });
  expect(mock.refusals).toEqual([]);
});

test("a plain answer has no kept parts", async () => {
  await using mock = await startAnthropic([answer("hello")]);
  await using client = messagesClient(mock, { model: "claude-haiku-4-5" });
  const { message, finishReason } = await client.ask({ streaming: true }, hi);
  expect({ message, finishReason }).toEqual({
    message: { role: "assistant", content: "hello", toolCalls: [] },
    finishReason: "stop",
  });
});

/** Models with different ways of thinking, their configuration, and the fields of the request. */
test.each<[string, Record<string, unknown>, object]>([
  ["claude-opus-5", {}, { thinking: { type: "adaptive", display: "summarized" } }],
  ["claude-opus-5-5", { effort: "max" }, { thinking: { type: "adaptive" }, output_config: { effort: "max" } }],
  ["claude-sonnet-5-5", { effort: "none" }, { thinking: { type: "between_tools" } }],
  ["claude-opus-4-6", { effort: "high" }, { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
  ["claude-opus-4-5", { effort: "low" }, { thinking: { type: "enabled", budget_tokens: 2048 } }],
  ["claude-haiku-4-5", { effort: "high" }, { thinking: { type: "enabled", budget_tokens: 16_000 } }],
  ["claude-haiku-4-5", { max_tokens: 1 }, { thinking: { type: "enabled", budget_tokens: 1024 } }],
])(
  "%s with reasoning %j thinks over the hops of two turns, and gets each thought back",
  async (model, reasoning, sent) => {
    const hop = (n: number) =>
      answer(thinks(`t${n}`), says(`w${n}`), calls("calc__add", { n }), calls("calc__add", { n: -n }));
    const turn = [...loop(3, hop, answer(thinks("so"), thinksRedacted("secret"), "done"))];
    await using mock = await startAnthropic([...turn, ...turn]);
    await using client = messagesClient(mock, { model, reasoning, temperature: 0.5, topP: 0.9 });
    const messages = [system, user("go")];
    await runLoop(client, messages);
    messages.push(user("again"));
    await runLoop(client, messages, { streaming: false });
    expect(mock.refusals).toEqual([]);
    expect(mock.hops.flatMap(({ lostReasoning, warnings }) => [...lostReasoning, ...warnings])).toEqual([]);
    expect(mock.requests[0]?.body).toMatchObject(sent);
  },
);

test.each([1, 2])(
  "thinking goes with calls in the order in which the answer had them, %d thoughts",
  async (thoughts) => {
    const parts = Array.from({ length: thoughts }, (_, n) => [
      thinks(`t${n}`),
      says(`word ${n}`),
      calls("calc__add", { n }),
    ]);
    await using mock = await startAnthropic([answer(...parts.flat()), answer("done")]);
    await using client = messagesClient(mock, { model: "claude-opus-5-5" });
    await runLoop(client, [system, user("go")]);
    expect(mock.refusals).toEqual([]);
    const body = mock.requests[1]?.body as { messages: { content: { type: string }[] }[] };
    const kinds = body.messages[1]?.content.map(({ type }) => type);
    expect(kinds).toEqual(Array.from({ length: thoughts }, () => ["thinking", "text", "tool_use"]).flat());
  },
);

test.each<[string, object]>([
  ["refusal", { finishReason: "content_filter", message: { content: "This request was declined.", toolCalls: [] } }],
  ["context_window", { finishReason: "length" }],
  ["empty", { finishReason: "stop", message: { content: "" } }],
] as const)("an answer that ends with %s", async (end, expected) => {
  const parts = end === "context_window" ? [thinks("hm"), says("so far")] : [];
  await using mock = await startAnthropic([ending(end as "refusal", ...parts), ending(end as "refusal", ...parts)]);
  await using client = messagesClient(mock);
  for (const streaming of [true, false]) expect(await client.ask({ streaming }, hi)).toMatchObject(expected);
});

test("an answer cut by length in a thought or in a call gives no thought back", async () => {
  await using mock = await startAnthropic([
    ending("length", thinks("and so")),
    ending("length", thinks("hm"), calls("calc__add", '{"a": 1')),
  ]);
  await using client = messagesClient(mock);
  const cut = [await client.ask({ streaming: true }, hi), await client.ask({ streaming: true }, hi)];
  expect(cut.map(({ finishReason, message }) => [finishReason, message.kept])).toEqual([
    ["length", undefined],
    ["length", undefined],
  ]);
  expect(cut[1]?.message.toolCalls[0]?.arguments).toBe('{"a": 1');
});

test("a paused answer is sent back as it is until it ends, and becomes a single answer", async () => {
  await using mock = await startAnthropic([
    ending("pause", thinks("search"), says("One ")),
    ending("pause", says("two ")),
    answer(thinks("found"), says("three."), calls("calc__add", { a: 3 })),
    answer("done"),
  ]);
  await using client = messagesClient(mock);
  const messages = [system, user("go")];
  const [first] = await runLoop(client, messages);
  expect(mock.refusals).toEqual([]);
  expect(first).toMatchObject({
    attempts: 3,
    finishReason: "tool_calls",
    message: { content: "One two three.", toolCalls: [{ arguments: '{"a":3}' }] },
    usage: { outputTokens: mock.hops.slice(0, 3).reduce((sum, { output }) => sum + output, 0) },
  });
  const roles = mock.requests.map(({ body }) => (body.messages as Message[]).map(({ role }) => role));
  expect(roles).toEqual([["user"], ["user", "assistant"], ["user", "assistant"], ["user", "assistant", "user"]]);
  expect(mock.hops.at(-1)?.lostReasoning).toEqual([]);
  expect(client.shown()).toContain("One two ");
});

test("an answer that pauses again and again is given up as cut", async () => {
  await using mock = await startAnthropic(() => ending("pause", says("more ")));
  await using client = messagesClient(mock);
  expect((await client.ask({ streaming: false }, hi)).finishReason).toBe("length");
  expect(mock.requests).toHaveLength(11);
});

test("usage counts reads and writes of the cache, by their lifetimes", async () => {
  await using mock = await startAnthropic([answer("one"), answer("two")]);
  await using client = messagesClient(mock, { cache: "1h" });
  const long = request(user("word ".repeat(2000)));
  const [first, second] = [await client.ask({ streaming: true }, long), await client.ask({ streaming: false }, long)];
  const [written, read] = mock.hops;
  expect(first.usage).toMatchObject({
    inputTokens: written?.input,
    cachedTokens: 0,
    cacheWriteTokens: written?.written,
    cacheWrite1hTokens: written?.written,
  });
  expect(written?.written).toBeGreaterThan(1000);
  expect(second.usage).toMatchObject({ inputTokens: read?.input, cachedTokens: written?.written, cacheWriteTokens: 0 });
});

test("results: of one hop in one message before what the user says then; resultsOf keeps order", async () => {
  await using mock = await startAnthropic([
    answer(
      thinks("x"),
      calls("calc__add", { n: 1 }),
      calls("calc__add", { n: 2 }),
      calls("calc__add", { n: 3 }),
      calls("calc__add", { n: 4 }),
    ),
    answer("done"),
  ]);
  await using client = messagesClient(mock);
  const first = await client.ask({ streaming: true }, request(user("go")));
  const results = resultsOf(first.message, (text) => text);
  await client.ask({ streaming: true }, request(user("go"), first.message, ...results, user("and hurry")));
  const body = mock.requests[1]?.body as {
    messages: { role: string; content: { type: string; content?: string }[] }[];
  };
  expect(body.messages).toHaveLength(3);
  expect(body.messages[2]?.content.map(({ type, content }) => content ?? type)).toEqual([
    '{"n":1}',
    '{"n":2}',
    '{"n":3}',
    '{"n":4}',
    "text",
  ]);
});

test.each<[string, object, object | undefined]>([
  [
    "closed, and without limits, which the host checks",
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        n: { type: "number", minimum: 1 },
        list: { type: "array", minItems: 2, items: { type: "object", properties: { a: { type: "string" } } } },
        either: { anyOf: [{ type: "null" }, { $ref: "#/$defs/b" }] },
      },
      required: ["n"],
      $defs: { b: { type: "object", properties: { c: {} }, additionalProperties: true } },
    },
    {
      type: "object",
      properties: {
        n: { type: "number" },
        list: {
          type: "array",
          items: { type: "object", properties: { a: { type: "string" } }, additionalProperties: false },
        },
        either: { anyOf: [{ type: "null" }, { $ref: "#/$defs/b" }] },
      },
      required: ["n"],
      $defs: { b: { type: "object", properties: { c: {} }, additionalProperties: false } },
      additionalProperties: false,
    },
  ],
  ["not at all where it has keys of any name", { type: "object", properties: { map: { type: "object" } } }, undefined],
])("the schema of an answer is sent %s", async (_name, jsonSchema, schema) => {
  await using mock = await startAnthropic([answer('{"n":1}')]);
  await using client = messagesClient(mock, { reasoning: { effort: "low" } });
  await client.ask({ streaming: true }, { ...hi, output: { jsonSchema: jsonSchema as Record<string, unknown> } });
  expect(mock.refusals).toEqual([]);
  const format = schema && { type: "json_schema", schema };
  expect(mock.requests[0]?.body.output_config).toEqual({ effort: "low", ...(format && { format }) });
});

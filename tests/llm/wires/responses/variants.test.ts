import { describe, expect, test } from "@jest/globals";
import { json, startLlmServer, stream } from "../../../support/llm-server.js";
import { clientOf } from "../../client-of.js";

const model = { wire: "responses", model: "some-model" } as const;
const usage = { input_tokens: 10, output_tokens: 4, total_tokens: 14 };
const text = (words: string) => ({ type: "output_text", text: words, annotations: [] });
const message = (words: string, more: object = {}) => ({
  type: "message",
  role: "assistant",
  content: [text(words)],
  ...more,
});
const call = (more: object = {}) => ({
  type: "function_call",
  call_id: "call_a",
  name: "fs__read",
  arguments: '{"a":1}',
  ...more,
});
const added = (item: object, output_index?: number) => ({ type: "response.output_item.added", output_index, item });
const done = (item: object, output_index?: number) => ({ type: "response.output_item.done", output_index, item });
const words = (delta: string, more: object = {}) => ({ type: "response.output_text.delta", delta, ...more });
const completed = (output: unknown, more: object = {}) => ({
  type: "response.completed",
  response: { object: "response", status: "completed", output, usage, ...more },
});
const open = { content: [], status: "in_progress" };

test.each<[string, object[], object]>([
  [
    "llama.cpp: no indexes, no end of arguments",
    [
      { type: "response.created", response: { status: "in_progress" } },
      added({ type: "reasoning", id: "rs_1", summary: [], content: [], encrypted_content: "" }),
      { type: "response.reasoning_text.delta", item_id: "rs_1", delta: "hm" },
      done({
        type: "reasoning",
        id: "rs_1",
        summary: [],
        content: [{ type: "reasoning_text", text: "hm" }],
        encrypted_content: "",
      }),
      added(call({ id: "fc_1", arguments: "" })),
      { type: "response.function_call_arguments.delta", item_id: "fc_1", delta: '{"a":1}' },
      done(call({ id: "fc_1" })),
      completed([]),
    ],
    { content: "", reasoning: "hm", toolCalls: [{ id: "call_a", name: "fs__read", arguments: '{"a":1}' }] },
  ],
  [
    "another id in each event, as gateways make them",
    [
      added(message("", { id: "msg_1", ...open }), 0),
      words("Hi", { item_id: "msg_2", output_index: 0 }),
      done(message("Hi", { id: "msg_3" }), 0),
      completed([message("Hi", { id: "msg_4" })]),
    ],
    { content: "Hi", toolCalls: [] },
  ],
  [
    "arguments at their end alone, and words for an item that is a call",
    [
      added(call({ id: "fc_1", arguments: "" }), 0),
      { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 0, arguments: '{"a":1}' },
      words("Hi", { output_index: 0 }),
      completed([]),
    ],
    { content: "Hi", toolCalls: [{ id: "call_a", arguments: '{"a":1}' }] },
  ],
  [
    "the items in the last event alone",
    [{ type: "response.created", response: {} }, completed([message("Hi"), call()])],
    { content: "Hi", toolCalls: [{ id: "call_a", arguments: '{"a":1}' }] },
  ],
  [
    "deltas alone",
    [words("Hel", { item_id: "msg_1" }), words("lo", { item_id: "msg_1" }), completed(undefined)],
    { content: "Hello", toolCalls: [] },
  ],
  [
    "a part that was not streamed",
    [
      added(message("", { id: "m", ...open }), 0),
      words("Hel", { output_index: 0 }),
      done(message("Hello", { id: "m" }), 0),
      completed([]),
    ],
    { content: "Hello", toolCalls: [] },
  ],
  [
    "unknown events and items, and arguments as an object",
    [
      { type: "response.something_new", delta: "x" },
      { type: "keepalive" },
      done({ id: "x_1" }, 0),
      done({ type: "web_search_call", id: "ws_1", status: "completed" }, 0),
      done(call({ arguments: { a: 1 } }), 1),
      completed([]),
    ],
    { content: "", toolCalls: [{ id: "call_a", arguments: '{"a":1}' }] },
  ],
  [
    "two calls with one id",
    [done(call(), 0), done(call({ arguments: "" }), 1), completed([])],
    { content: "", toolCalls: [{ id: "call_a" }, { id: expect.stringMatching(/^call_new/), arguments: "{}" }] },
  ],
  [
    "a text that is announced again after its end",
    [done(message("Hi", { id: "m1" }), 0), added(message("", { id: "m1", ...open }), 0), completed([])],
    { content: "Hi", toolCalls: [] },
  ],
  [
    "two texts under one position",
    [
      done(message("Hi", { id: "m1" }), 0),
      added(message("", { id: "m2", ...open }), 0),
      words("you", { item_id: "m2", output_index: 0 }),
      done(message("you", { id: "m2" }), 0),
      completed([]),
    ],
    { content: "Hi\n\nyou", toolCalls: [] },
  ],
  [
    "a summary in several parts, and the same in the open",
    [
      added({ type: "reasoning", id: "rs_1", summary: [] }, 0),
      { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: "one" },
      { type: "response.reasoning_text.delta", output_index: 0, content_index: 0, delta: "in the open" },
      { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 1, delta: "two" },
      done(
        {
          type: "reasoning",
          id: "rs_1",
          summary: [{ text: "one" }, { text: "two" }],
          content: [{ text: "in the open" }],
        },
        0,
      ),
      done(message("Hi"), 1),
      completed([]),
    ],
    { content: "Hi", reasoning: "one\n\ntwo", toolCalls: [] },
  ],
])("%s", async (_name, events, expected) => {
  await using server = await startLlmServer([stream(events)]);
  await using tested = clientOf(server, {}, model);
  const completion = await tested.ask({ streaming: true });
  expect(completion).toMatchObject({ message: expected, usage: { inputTokens: 10, outputTokens: 4 }, attempts: 1 });
  const { reasoning = "", content } = completion.message;
  expect(tested.shown()).toBe(reasoning + content);
});

const pieceOf = (item_id: string, delta: string) => ({
  type: "response.function_call_arguments.delta",
  item_id,
  delta,
});
const deltaOf = (id: string, delta: string) => ({ ...pieceOf(id, delta), output_index: 0 });
const read = { ...call(), id: "fc_1" };
const write = { ...call({ call_id: "call_b", name: "fs__write", arguments: '{"b":2}' }), id: "fc_2" };
const withoutId = ({ id: _, ...item }: { id?: string }) => item;
const begun = (item: object) => added({ ...item, arguments: "", status: "in_progress" }, 0);
const both = [
  { id: "call_a", name: "fs__read", arguments: '{"a":1}' },
  { id: "call_b", name: "fs__write", arguments: '{"b":2}' },
];

describe.each<[string, object[], object[], object[]]>([
  [
    "two calls under one position, one after another",
    [begun(read), deltaOf("fc_1", '{"a":1}'), done(read, 0), begun(write), deltaOf("fc_2", '{"b":2}'), done(write, 0)],
    [read, write],
    both,
  ],
  [
    "two calls under one position at the same time",
    [begun(read), begun(write), deltaOf("fc_1", '{"a":1}'), deltaOf("fc_2", '{"b":2}'), done(read, 0), done(write, 0)],
    [read, write],
    both,
  ],
  [
    "two calls under one position whose ends are not streamed",
    [begun(read), deltaOf("fc_1", '{"a":1}'), begun(write), deltaOf("fc_2", '{"b":2}')],
    [read, write],
    both,
  ],
  ["two calls under one position, without beginnings", [done(read, 0), done(write, 0)], [read, write], both],
  [
    "two calls under one position, with the same item id",
    [begun(read), done(read, 0), begun({ ...write, id: "fc_1" }), done({ ...write, id: "fc_1" }, 0)],
    [read, { ...write, id: "fc_1" }],
    both,
  ],
  [
    "a call that is announced again after its end",
    [begun(read), deltaOf("fc_1", '{"a":1}'), done(read, 0), begun(read)],
    [read],
    both.slice(0, 1),
  ],
  [
    "a call that is announced again before its end, with another item id",
    [begun(read), begun({ ...read, id: "fc_9" }), deltaOf("fc_9", '{"a":1}'), done({ ...read, id: "fc_9" }, 0)],
    [read],
    both.slice(0, 1),
  ],
  [
    "a call that is streamed twice",
    [begun(read), deltaOf("fc_1", '{"a":1}'), done(read, 0), begun(read), deltaOf("fc_1", '{"a":1}'), done(read, 0)],
    [read],
    both.slice(0, 1),
  ],
  [
    "a call with other ids at its end and in the last event, beside an item without an end, as from vLLM",
    [
      begun({ ...read, call_id: "call_x" }),
      done({ ...read, id: null }, 0),
      added({ type: "reasoning", id: "rs_1", summary: [] }, 1),
    ],
    [call({ id: "fc_3", call_id: "call_y" }), { type: "reasoning", id: "rs_1", summary: [] }],
    both.slice(0, 1),
  ],
  [
    "calls without item ids and positions that end after all pieces, as from llama.cpp before June 2026",
    [
      added({ ...withoutId(read), arguments: "" }),
      pieceOf("call_a", '{"a":1}'),
      added({ ...withoutId(write), arguments: "" }),
      pieceOf("call_b", '{"b":2}'),
      done(withoutId(read)),
      done(withoutId(write)),
    ],
    [withoutId(read), withoutId(write)],
    both,
  ],
  [
    "calls under one position that have a new item id at their ends",
    [begun(read), begun(write), done({ ...read, id: "fc_3" }, 0), done({ ...write, id: "fc_4" }, 0)],
    [
      { ...read, id: "fc_5" },
      { ...write, id: "fc_6" },
    ],
    both,
  ],
  [
    "calls without item ids and positions, after reasoning that only the last event has",
    [done(withoutId(read)), done(withoutId(write))],
    [{ type: "reasoning", summary: [], encrypted_content: "z" }, withoutId(read), withoutId(write)],
    both,
  ],
  [
    "calls with one call_id and without positions",
    [done(read), done({ ...write, call_id: "call_a" })],
    [{ type: "reasoning", summary: [], encrypted_content: "z" }, read, { ...write, call_id: "call_a" }],
    [...both.slice(0, 1), { ...both[1], id: expect.stringMatching(/^call_new/) }],
  ],
])("%s", (_name, events, items, expected) => {
  test.each([
    ["with", items],
    ["without", []],
  ])("runs as the model wrote it, with a last event %s items", async (_which, output) => {
    await using server = await startLlmServer([stream([...events, completed(output)])]);
    await using tested = clientOf(server, {}, model);
    expect((await tested.ask({ streaming: true })).message.toolCalls).toEqual(expected);
  });
});

test.each<[string, object[]]>([
  ["without a last event", [added(message("", open), 0), words("Hi", { output_index: 0 }), done(message("Hi"), 0)]],
  ["with [DONE] in its place", [done(message("Hi"), 0), "data: [DONE]\n\n" as unknown as object]],
  ["that goes on in the background", [completed([], { status: "in_progress" })]],
])("a stream %s is cut", async (_name, events) => {
  await using server = await startLlmServer([stream(events)]);
  await using tested = clientOf(server, { maxRetries: 0 }, model);
  expect((await tested.fails({ streaming: true })).kind).toMatch(/network|stream_interrupted|empty_stream/);
});

test.each<[string, unknown, object]>([
  [
    "failed",
    { status: "failed", error: { code: "server_error", message: "boom" } },
    { kind: "server", retryable: true },
  ],
  ["cancelled", { status: "cancelled", error: null }, { kind: "server" }],
  [
    "an error of a gateway",
    { error: { code: 502, message: "Provider returned error" } },
    { kind: "server", status: 502 },
  ],
  [
    "a prompt that is refused",
    { status: "failed", error: { code: "invalid_prompt", message: "no" } },
    { kind: "bad_request" },
  ],
  ["a policy", { status: "failed", error: { code: "bio_policy", message: "no" } }, { kind: "content_filter" }],
])("a whole answer that is %s", async (_name, body, error) => {
  await using server = await startLlmServer([json(body)]);
  await using tested = clientOf(server, { maxRetries: 0 }, model);
  expect(await tested.fails({ streaming: false })).toMatchObject(error);
});

test.each([true, false])("the cost of an answer that has failed is counted, streaming: %s", async (streaming) => {
  const response = { status: "failed", error: { code: "server_error", message: "boom" }, output: [], usage };
  const good = json({ status: "completed", output: [message("hi")] });
  await using server = await startLlmServer([
    streaming ? stream([{ type: "response.failed", response }]) : json(response),
    good,
  ]);
  await using tested = clientOf(server, {}, model);
  expect(await tested.ask({ streaming })).toMatchObject({
    message: { content: "hi" },
    lost: [{ usage: { inputTokens: 10, outputTokens: 4 } }],
  });
});

test("the assistant's earlier text has a type, because llama.cpp refuses it without one", async () => {
  await using server = await startLlmServer([json({ status: "completed", output: [] })]);
  await using tested = clientOf(server, {}, model);
  const messages = [
    { role: "user" as const, content: [{ type: "text" as const, text: "hi" }] },
    { role: "assistant" as const, content: "The sum is 42.", toolCalls: [] },
    { role: "user" as const, content: [{ type: "text" as const, text: "and now?" }] },
  ];
  await tested.ask({ streaming: false }, { messages, tools: [] });
  expect(server.requests[0]?.body.input).toEqual([
    { role: "user", content: "hi" },
    { type: "message", role: "assistant", content: "The sum is 42." },
    { role: "user", content: "and now?" },
  ]);
});

test("empty reasoning is not sent back, and neither are ids without it", async () => {
  const items = [{ type: "reasoning", id: "rs_1", summary: [] }, call({ id: "fc_1", status: "completed" })];
  await using server = await startLlmServer([
    json({ status: "completed", output: items }),
    json({ status: "completed", output: [] }),
  ]);
  await using tested = clientOf(server, {}, model);
  const { message: said } = await tested.ask({ streaming: false });
  const messages = [said, { role: "tool" as const, toolCallId: "call_a", content: [], isError: false }];
  await tested.ask({ streaming: false }, { messages, tools: [] });
  expect(server.requests[1]?.body.input).toEqual([
    { status: "completed", type: "function_call", call_id: "call_a", name: "fs__read", arguments: '{"a":1}' },
    { type: "function_call_output", call_id: "call_a", output: "(no output)" },
  ]);
});

test("ids that are empty, too long or duplicate are replaced, the same for a call and its result", async () => {
  await using server = await startLlmServer([json({ status: "completed", output: [] })]);
  await using tested = clientOf(server, {}, model);
  const long = "x".repeat(80);
  const messages = ["call_0", "call_0", "", long].flatMap((id) => [
    { role: "assistant" as const, content: "", toolCalls: [{ id, name: "a.b", arguments: "{" }] },
    { role: "tool" as const, toolCallId: id, content: [{ type: "text" as const, text: "4" }], isError: false },
  ]);
  await tested.ask({ streaming: false }, { messages, tools: [] });
  const ids = ((server.requests[0]?.body.input ?? []) as { call_id: string }[]).map(({ call_id }) => call_id);
  expect(ids.filter((_, index) => index % 2 === 0)).toEqual([
    "call_0",
    "call_0_2",
    "call_unnamed",
    expect.stringMatching(/^call_\w{40}$/),
  ]);
  expect(ids.filter((_, index) => index % 2 === 1)).toEqual(ids.filter((_, index) => index % 2 === 0));
});

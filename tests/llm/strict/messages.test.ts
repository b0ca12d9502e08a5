import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { answer, calls, ending, type StrictMock, says, startAnthropic, thinks } from "../../support/strict/index.js";
import { type Loose, type RawClient, rawClient } from "./raw-client.js";

let mock: StrictMock;
let client: RawClient;

const prompt = { role: "user", content: "add" };
const tool = { name: "add", input_schema: { type: "object" } };
/** A model that thinks by default and adaptively, and whose thinking is not bound. */
const model = "claude-opus-5";
const body = { model, max_tokens: 4000, tools: [tool] };
const marked = { cache_control: { type: "ephemeral" } };
const text = (more: object = {}, words = "x") => ({ type: "text", text: words, ...more });
const user = (...content: object[]) => ({ role: "user", content });
const assistant = (...content: object[]) => ({ role: "assistant", content });
const call = { type: "tool_use", id: "toolu_1", name: "add", input: {} };
const result = (more: object = {}, id = "toolu_1") => ({ type: "tool_result", tool_use_id: id, content: "4", ...more });
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } };

/** Answers every prompt with thinking and two calls, and every result with thinking and text. */
beforeAll(async () => {
  mock = await startAnthropic(({ results }) =>
    results.length > 0
      ? answer(thinks("so"), says("4"))
      : answer(thinks("hm"), says("I add."), calls("add", { a: 2 }), calls("add", { b: 2 })),
  );
  client = rawClient(mock, "messages");
});

afterAll(async () => mock[Symbol.asyncDispose]());

const four = Array.from({ length: 4 }, () => text(marked));

test.each<[string, object, string]>([
  ["no max_tokens", { max_tokens: undefined }, "max_tokens: Field required"],
  [
    "too many max_tokens",
    { max_tokens: 200_000 },
    "max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens for claude-opus-5",
  ],
  ["an unknown field", { foo: 1 }, "foo: Extra inputs are not permitted"],
  [
    "an unknown field in a block",
    { messages: [user(text({ foo: 1 }))] },
    "messages.0.content.0.text.foo: Extra inputs are not permitted",
  ],
  ["a beta field without its beta", { context_management: {} }, "context_management: Extra inputs are not permitted"],
  [
    "OpenAI's content",
    { messages: [user({ type: "image_url", image_url: "x" })] },
    "messages.0.content.0: Input tag 'image_url' found using 'type' does not match any of the expected tags",
  ],
  ["no messages", { messages: [] }, "messages: at least one message is required"],
  ["an assistant first", { messages: [assistant(text()), prompt] }, 'messages: first message must use the "user" role'],
  [
    "a prefill that ends in white space",
    { model: "claude-haiku-4-5", messages: [prompt, assistant(text({}, "x "))] },
    "final assistant content cannot end with trailing whitespace",
  ],
  [
    "a type of every object",
    { messages: [user({ type: "constructor" })] },
    "messages.0.content.0: Input tag 'constructor' found using 'type' does not match any of the expected tags",
  ],
  [
    "a text as a number",
    { messages: [user({ type: "text", text: 1 })] },
    "messages.0.content.0.text.text: Input should be a valid string",
  ],
  [
    "a result without id",
    { messages: [prompt, assistant(call), user({ type: "tool_result" })] },
    "messages.2.content.0.tool_result.tool_use_id: Field required",
  ],
  [
    "an unknown kind of thinking",
    { thinking: { type: "auto" } },
    "thinking: Input tag 'auto' found using 'type' does not match any of the expected tags",
  ],
  [
    "a budget of adaptive thinking",
    { thinking: { type: "adaptive", budget_tokens: 2000 } },
    "thinking.adaptive.budget_tokens: Extra inputs are not permitted",
  ],
  [
    "a prefill",
    { messages: [prompt, assistant(text())] },
    "This model does not support assistant message prefill. The conversation must end with a user message.",
  ],
  [
    "a system message at a model without",
    { model: "claude-sonnet-5", messages: [prompt, { role: "system", content: "x" }] },
    "role 'system' is not supported on this model",
  ],
  ["an empty text", { messages: [user(text({}, ""))] }, "messages: text content blocks must be non-empty"],
  [
    "an empty text in a result",
    { messages: [prompt, assistant(call), user(result({ content: [text({}, "")] }))] },
    "messages: text content blocks must be non-empty",
  ],
  ["an empty system text", { system: [text({}, "")] }, "system: text content blocks must be non-empty"],
  [
    "an empty message",
    { messages: [{ role: "user", content: "" }] },
    "messages.0: all messages must have non-empty content except for the optional final assistant message",
  ],
  [
    "only white space",
    { messages: [user(text({}, " "))] },
    "messages: text content blocks must contain non-whitespace text",
  ],
  [
    "a fifth mark",
    { system: [text(marked)], messages: [user(...four)] },
    "A maximum of 4 blocks with cache_control may be provided. Found 5.",
  ],
  [
    "four marks and the automatic one",
    { ...marked, messages: [user(...four)] },
    "A maximum of 4 blocks with cache_control may be provided. Found 5.",
  ],
  [
    "an hour behind five minutes",
    { system: [text(marked)], messages: [user(text({ cache_control: { type: "ephemeral", ttl: "1h" } }))] },
    "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
  ],
  ["a mark on an empty text", { messages: [user(text(), text(marked, ""))] }, "must be non-empty"],
  [
    "a mark on thinking",
    { messages: [prompt, assistant({ type: "thinking", thinking: "", signature: "x", ...marked }), prompt] },
    "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted",
  ],
  [
    "a wrong life",
    { messages: [user(text({ cache_control: { type: "ephemeral", ttl: "2h" } }))] },
    "Input should be '5m' or '1h'",
  ],
  [
    "a call without result",
    { messages: [prompt, assistant(call), user(text())] },
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
  ],
  ["a call at the end", { messages: [prompt, assistant(call)] }, "does not support assistant message prefill"],
  [
    "a result behind text",
    { messages: [prompt, assistant(call), user(text(), result())] },
    "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_1",
  ],
  [
    "a result one message later",
    { messages: [prompt, assistant(call), prompt, assistant(text()), user(result())] },
    "immediately after: toolu_1",
  ],
  [
    "a result without call",
    { messages: [user(result())] },
    "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
  ],
  [
    "two results of one call",
    { messages: [prompt, assistant(call), user(result(), result())] },
    "each tool_use must have a single result.",
  ],
  [
    "an image in an error",
    { messages: [prompt, assistant(call), user(result({ is_error: true, content: [image] }))] },
    "all content must be type `text` if `is_error` is true",
  ],
  [
    "an image type",
    { messages: [user({ ...image, source: { ...image.source, media_type: "image/svg+xml" } })] },
    "Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
  ],
  [
    "arguments as text",
    { messages: [prompt, assistant({ ...call, input: "{}" }), user(result())] },
    "messages.1.content.0.tool_use.input: Input should be a valid dictionary",
  ],
  [
    "an id of another vendor",
    { messages: [prompt, assistant({ ...call, id: "call.1" }), user(result({}, "call.1"))] },
    "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
  ],
  [
    "a tool's name",
    { tools: [{ ...tool, name: "a.b" }] },
    "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
  ],
  ["two tools of a name", { tools: [tool, tool] }, "tools: Tool names must be unique."],
  [
    "a top-level anyOf",
    { tools: [{ ...tool, input_schema: { type: "object", anyOf: [] } }] },
    "tools.0.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
  ],
  [
    "a schema without type",
    { tools: [{ ...tool, input_schema: {} }] },
    "tools.0.custom.input_schema.type: Field required",
  ],
  [
    "a schema of an old draft",
    {
      tools: [
        {
          ...tool,
          input_schema: { type: "object", properties: { a: { type: "number", minimum: 0, exclusiveMinimum: true } } },
        },
      ],
    },
    "tools.0.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12",
  ],
  [
    "OpenAI's tool",
    { tools: [{ type: "function", name: "add", parameters: {} }] },
    "Input tag 'function' found using 'type' does not match any of the expected tags",
  ],
  [
    "a choice without tools",
    { tools: [], tool_choice: { type: "auto" } },
    "tool_choice: tool_choice may only be specified while providing tools.",
  ],
  [
    "an open strict tool",
    { tools: [{ ...tool, strict: true }] },
    "For 'object' type, 'additionalProperties' must be explicitly set to false",
  ],
  [
    "an open output",
    { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
    "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
  ],
  [
    "a budget at an adaptive model",
    { thinking: { type: "enabled", budget_tokens: 2000 } },
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
  ],
  [
    "a small budget",
    { model: "claude-haiku-4-5", thinking: { type: "enabled", budget_tokens: 100 } },
    "Input should be greater than or equal to 1024",
  ],
  [
    "a budget above max_tokens",
    { model: "claude-haiku-4-5", thinking: { type: "enabled", budget_tokens: 4000 } },
    "`max_tokens` must be greater than `thinking.budget_tokens`.",
  ],
  [
    "adaptive at an older model",
    { model: "claude-haiku-4-5", thinking: { type: "adaptive" } },
    "adaptive thinking is not supported on this model",
  ],
  [
    "disabled at opus 5.5",
    { model: "claude-opus-5-5", thinking: { type: "disabled" } },
    '"thinking.type.disabled" is not supported for this model.',
  ],
  [
    "disabled with a high effort",
    { thinking: { type: "disabled" }, output_config: { effort: "max" } },
    '"thinking.type.disabled" is not supported for this model.',
  ],
  [
    "effort at haiku 4.5",
    { model: "claude-haiku-4-5", output_config: { effort: "low" } },
    "This model does not support the effort parameter.",
  ],
  ["temperature at a current model", { temperature: 0 }, "`temperature` is deprecated for this model."],
  [
    "temperature with thinking",
    { model: "claude-opus-4-6", thinking: { type: "adaptive" }, temperature: 0 },
    "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.",
  ],
  [
    "temperature and top_p",
    { model: "claude-opus-4-6", temperature: 1, top_p: 0.5 },
    "`temperature` and `top_p` cannot both be specified for this model.",
  ],
  [
    "a forced tool at opus 5.5",
    { model: "claude-opus-5-5", tool_choice: { type: "any" } },
    "Thinking may not be enabled when tool_choice forces tool use.",
  ],
  [
    "a foreign signature",
    { messages: [prompt, assistant({ type: "thinking", thinking: "", signature: "x" }, text()), prompt] },
    "messages.1.content.0: Invalid `signature` in `thinking` block",
  ],
  ["an unknown model", { model: "claude-9" }, "model: claude-9"],
])("refused: %s", async (_, change, words) => {
  expect(await client.refusal({ ...body, messages: [prompt], ...change })).toContain(words);
});

test.each<[string, Record<string, string | undefined>, number, string]>([
  ["both keys", { authorization: "Bearer key" }, 401, "only one of"],
  ["no key", { "x-api-key": undefined }, 401, "x-api-key header is required"],
  ["no version", { "anthropic-version": undefined }, 400, "anthropic-version: header is required"],
  ["an unknown version", { "anthropic-version": "2024-01-01" }, 400, "is not a valid version"],
])("headers: %s", async (_, headers, status, words) => {
  const refused = await client.post({ ...body, messages: [prompt] }, headers);
  expect(refused.status).toBe(status);
  expect(refused.body).toMatchObject({ type: "error", error: { message: expect.stringContaining(words) } });
  expect(refused.headers.get("request-id")).toBe(refused.body.request_id);
});

test("accepted: what older models take, betas by header, results in several messages with a warning", async () => {
  const beta = { "anthropic-beta": "context-management-2025-06-27" };
  expect((await client.post({ ...body, messages: [prompt], context_management: {} }, beta)).status).toBe(200);
  for (const change of [
    { model: "claude-haiku-4-5", temperature: 0 },
    { model: "claude-haiku-4-5", messages: [prompt, assistant(text())] },
    { messages: [prompt, { role: "system", content: "x" }] },
    { thinking: { type: "disabled" }, output_config: { effort: "high" } },
  ])
    expect((await client.post({ ...body, messages: [prompt], ...change })).status).toBe(200);
  const other = { ...call, id: "toolu_2" };
  const split = [prompt, assistant(call, other), user(result()), user(result({}, "toolu_2"), text())];
  expect((await client.post({ ...body, messages: split })).status).toBe(200);
  expect(mock.hops.at(-1)?.warnings).toEqual([
    "messages.3: the results of one hop stand in several messages",
    "messages.3: text stands behind results",
  ]);
});

/** Runs a turn with one answered hop, and adds a second prompt after its last answer. */
async function turn(change: object): Promise<{ hop: object[]; content: Loose[]; last: Loose[] }> {
  const { content } = (await client.post({ ...body, ...change, messages: [prompt] })).body;
  const ids = content.filter(({ type }: Loose) => type === "tool_use").map(({ id }: Loose) => id);
  const hop = [prompt, assistant(...content), user(...ids.map((id: string) => result({}, id)))];
  const last = (await client.post({ ...body, ...change, messages: hop })).body.content;
  return { hop, content, last };
}

const modified = "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.";
const manual = { model: "claude-opus-4-6", thinking: { type: "enabled", budget_tokens: 2000 } };

test.each<[string, object, (content: Loose[]) => Loose[], string]>([
  ["changed text", manual, ([thought, ...rest]) => [{ ...thought, thinking: "other" }, ...rest], modified],
  ["an omitted text put back", {}, ([thought, ...rest]) => [{ ...thought, thinking: "hm" }, ...rest], modified],
  ["a key more", {}, ([thought, ...rest]) => [{ ...thought, foo: 1 }, ...rest], "foo: Extra inputs are not permitted"],
  [
    "a signature cut",
    {},
    ([thought, ...rest]) => [{ ...thought, signature: thought.signature.slice(1) }, ...rest],
    "Invalid `signature` in `thinking` block",
  ],
  ["thinking behind text", {}, ([thought, said, ...rest]) => [said, thought, ...rest], modified],
  [
    "dropped in manual mode",
    manual,
    ([, ...rest]) => rest,
    "Expected `thinking` or `redacted_thinking`, but found `text`. When `thinking` is enabled, a final `assistant` message must start with a thinking block",
  ],
])("thinking of the latest answer: %s", async (_, change, edit, words) => {
  const { hop, content } = await turn(change);
  const messages = [hop[0], assistant(...edit(content)), hop[2]];
  expect(await client.refusal({ ...body, ...change, messages })).toContain(words);
});

test("dropped thinking passes in adaptive mode, and is told as lost", async () => {
  const { hop, content } = await turn({});
  const messages = [hop[0], assistant(...content.slice(1)), hop[2]];
  expect((await client.post({ ...body, messages })).status).toBe(200);
  expect(mock.hops.at(-1)?.lostReasoning).toEqual([content[0].signature]);
});

test("another model drops the blocks in silence; an account-bound one refuses another account", async () => {
  const { hop, last } = await turn({});
  const messages = [...hop, assistant(...last), prompt];
  const input = (await client.post({ ...body, messages })).body.usage.input_tokens;
  const other = await client.post({ ...body, model: "claude-sonnet-5", messages });
  expect(other.body.usage.input_tokens).toBeLessThan(input);
  const bound = { ...body, model: "claude-haiku-5-5" };
  const { hop: own } = await turn(bound);
  expect(await client.refusal({ ...bound, messages: own }, { "x-api-key": "other" })).toContain("Invalid `signature`");
});

const boundElsewhere = "The block is bound to a different conversation. Remove the block, or set";
const binding = { ...body, model: "claude-opus-5-5", system: "Be brief." };

test.each<[string, (messages: Loose[]) => object]>([
  ["another system prompt", (messages) => ({ messages, system: "Be long." })],
  ["a tool more", (messages) => ({ messages, tools: [tool, { ...tool, name: "sub" }] })],
  [
    "an older result shortened",
    ([first, said, results, ...rest]) => ({
      messages: [first, said, user(...results.content.map((one: Loose) => ({ ...one, content: "…" }))), ...rest],
    }),
  ],
  ["an older prompt changed", ([, ...rest]) => ({ messages: [{ role: "user", content: "sum" }, ...rest] })],
  [
    "a thought taken from the middle",
    ([first, said, results, last, ...rest]) => ({
      messages: [first, said, results, assistant(...last.content.slice(1)), ...rest],
    }),
  ],
])("binding: %s", async (_, edit) => {
  const { hop, last } = await turn(binding);
  const second = [...hop, assistant(...last), prompt];
  const third = (await client.post({ ...binding, messages: second })).body.content;
  const ids = third.filter(({ type }: Loose) => type === "tool_use").map(({ id }: Loose) => id);
  const messages = [...second, assistant(...third), user(...ids.map((id: string) => result({}, id)))];
  const change = edit(messages);
  expect(await client.refusal({ ...binding, ...change })).toContain(boundElsewhere);
  const drop = {
    ...binding,
    ...change,
    thinking: { type: "adaptive", block_binding: { prefix_mismatch_behavior: "drop_block" } },
  };
  expect(await client.refusal(drop)).toBe("thinking.adaptive.block_binding: Extra inputs are not permitted");
  const dropped = await client.post(drop, { "anthropic-beta": "thinking-binding-controls-2026-08-01" });
  expect(dropped.body.input_transformations[0]).toMatchObject({ type: "thinking_dropped" });
});

test("not bound: marks, deferred tools, thinking taken from the front", async () => {
  const { hop, last } = await turn(binding);
  const messages = [...hop, assistant(...last), prompt] as Loose[];
  const [first, said, ...rest] = messages;
  const withoutFirst = [first, assistant(...said.content.slice(1)), ...rest];
  for (const change of [
    { messages: [...messages.slice(0, -1), user(text(marked, "add"))] },
    { messages, tools: [tool, { ...tool, name: "late", defer_loading: true }] },
    { messages: withoutFirst },
  ])
    expect((await client.post({ ...binding, ...change })).status).toBe(200);
});

test("binding: another model's thinking may come and go, because this model never had it", async () => {
  const other = { ...binding, model: "claude-sonnet-5-5" };
  const { hop, last } = await turn(other);
  const first = [...hop, assistant(...last), prompt] as Loose[];
  const { content } = (await client.post({ ...binding, messages: first })).body;
  const ids = content.filter(({ type }: Loose) => type === "tool_use").map(({ id }: Loose) => id);
  const results = user(...ids.map((id: string) => result({}, id)));
  const without = first.map((message) =>
    Array.isArray(message.content)
      ? { ...message, content: message.content.filter(({ type }: Loose) => type !== "thinking") }
      : message,
  );
  for (const start of [first, without])
    expect((await client.post({ ...binding, messages: [...start, assistant(...content), results] })).status).toBe(200);
});

test("an answer that pauses goes back as it is", async () => {
  await using pausing = await startAnthropic([ending("pause", thinks("hm"), "Searching."), answer("Found.")]);
  const other = rawClient(pausing, "messages");
  const paused = (await other.post({ ...binding, messages: [prompt] })).body;
  expect(paused.stop_reason).toBe("pause_turn");
  const messages = [prompt, assistant(...paused.content)];
  expect((await other.post({ ...binding, messages })).body.content).toEqual([text({}, "Found.")]);
});

test("tokens are counted without an answer, and a long prompt is refused", async () => {
  await using small = await startAnthropic([], { contextWindow: 4 });
  const response = await fetch(`${small.url}/messages/count_tokens`, {
    method: "POST",
    headers: { "x-api-key": "key", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model, messages: [prompt] }),
  });
  const { input_tokens } = (await response.json()) as Loose;
  expect(input_tokens).toBeGreaterThan(4);
  expect(await rawClient(small, "messages").refusal({ model, max_tokens: 10, messages: [prompt] })).toBe(
    `prompt is too long: ${input_tokens} tokens > 4 maximum`,
  );
});

import { expect, test } from "@jest/globals";
import {
  answer,
  breaking,
  calls,
  loop,
  type MockOptions,
  type StrictMock,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
} from "../../support/strict/index.js";
import { type Loose, rawClient } from "./raw-client.js";

/** Returns a text of that many tokens: the mocks count four bytes as one token. */
const words = (tokens: number, of = "word") => of.padEnd(4, " ").slice(0, 4).repeat(tokens);
const price = { input: 2, output: 8 };
const schema = { type: "object" };
const mark = { cache_control: { type: "ephemeral" } };

/** Runs `hops` hops of `parallel` calls with results of 500 tokens over Messages. `place` adds marks to a copy of the messages. */
async function messagesLoop(
  hops: number,
  parallel: number,
  place: (messages: Loose[]) => Loose[],
  options: MockOptions = {},
): Promise<StrictMock> {
  const many = Array.from({ length: parallel }, (_, index) => calls("read", { index }));
  const mock = await startAnthropic(
    loop(hops, (n) => answer(thinks("hm"), calls("read", { n }), ...many.slice(1)), answer("done")),
    options,
  );
  const client = rawClient(mock, "messages");
  const messages: Loose[] = [{ role: "user", content: [{ type: "text", text: "read" }] }];
  const system = [{ type: "text", text: words(2000), ...mark }];
  const tools = [{ name: "read", input_schema: schema }];
  for (let hop = 0; hop <= hops; hop++) {
    const body = {
      model: "claude-opus-5-5",
      max_tokens: 1000,
      system,
      tools,
      messages: place(structuredClone(messages)),
    };
    const { content } = (await client.post(body)).body;
    const ids = content.filter(({ type }: Loose) => type === "tool_use").map(({ id }: Loose) => id);
    messages.push({ role: "assistant", content });
    if (ids.length > 0)
      messages.push({
        role: "user",
        content: ids.map((id: string) => ({ type: "tool_result", tool_use_id: id, content: words(500, `r${hop}`) })),
      });
  }
  return mock;
}

/** Returns a function that marks the blocks at these distances from the last block. */
const markBack =
  (...back: number[]) =>
  (messages: Loose[]): Loose[] => {
    const blocks = messages.flatMap(({ content }) => content);
    for (const steps of back) {
      const block = blocks.at(-1 - steps);
      if (block && block.type !== "thinking") Object.assign(block, mark);
    }
    return messages;
  };

test("Messages: a loop with a plan of marks reads what it repeats and writes nothing twice", async () => {
  await using mock = await messagesLoop(30, 1, markBack(0, 13, 26));
  const bill = mock.bill(price);
  expect(mock.refusals).toEqual([]);
  expect(bill.readShare).toBeGreaterThan(0.95);
  expect(bill).toMatchObject({ writtenTwice: [], prefixBroken: [] });
  const tokens = mock.hops.reduce((sum, { input }) => sum + input, 0);
  expect(bill.read + bill.written + bill.fresh).toBe(tokens);
  const { read, written, fresh, output } = bill;
  expect(bill.dollars).toBeCloseTo((fresh * 2 + read * 0.2 + written * 2.5 + output * 8) / 1e6, 10);
});

test("Messages: one moving mark loses a hop of many blocks where each block counts", async () => {
  await using runs = await messagesLoop(3, 24, markBack(0));
  expect(runs.bill(price).writtenTwice).toEqual([]);
  await using blocks = await messagesLoop(3, 24, markBack(0), { countsEachBlock: true });
  expect(blocks.bill(price).writtenTwice).toEqual([1, 2, 3]);
  await using plan = await messagesLoop(3, 12, markBack(0, 13, 26), { countsEachBlock: true });
  expect(plan.bill(price).writtenTwice).toEqual([]);
});

interface MessagesRequest {
  system?: object[];
  [field: string]: unknown;
}

/** Sends requests one after the other. Returns the read, written and fresh tokens of each. */
async function usages(requests: MessagesRequest[], now?: () => number): Promise<number[][]> {
  await using mock = await startAnthropic(
    requests.map(() => answer("so")),
    { now },
  );
  const client = rawClient(mock, "messages");
  const base = {
    model: "claude-opus-5",
    max_tokens: 100,
    tools: [{ name: "read", input_schema: schema }],
    system: [{ type: "text", text: words(1000), ...mark }],
    messages: [{ role: "user", content: [{ type: "text", text: words(600), ...mark }] }],
  };
  const found: number[][] = [];
  for (const request of requests) {
    const { status, body } = await client.post({ ...base, ...request });
    if (status !== 200) throw new Error(body.error.message);
    const { cache_read_input_tokens, cache_creation_input_tokens, input_tokens } = body.usage;
    found.push([cache_read_input_tokens, cache_creation_input_tokens, input_tokens]);
  }
  return found;
}

/** Tokens of the tools and system prompt, and tokens of the message, in the requests above. */
const start = 1015;
const message = 604;

test.each<[string, MessagesRequest, number[]]>([
  ["nothing", {}, [start + message, 0, 0]],
  ["the last message", { messages: [{ role: "user", content: [{ type: "text", text: "x" }] }] }, [start, 0, 5]],
  ["tools", { tools: [{ name: "look", input_schema: schema }] }, [0, start + message, 0]],
  ["the order of a tool's keys", { tools: [{ input_schema: schema, name: "read" }] }, [0, start + message, 0]],
  ["tool_choice", { tool_choice: { type: "none" } }, [start, message, 0]],
  [
    "a picture",
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: words(600) },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" }, ...mark },
          ],
        },
      ],
    },
    [start, message + 22, 0],
  ],
  ["effort", { output_config: { effort: "low" } }, [start, message, 0]],
  ["the model", { model: "claude-fable-5" }, [0, start + message, 0]],
  ["marks", { messages: [{ role: "user", content: [{ type: "text", text: words(600) }] }] }, [start, 0, message]],
  [
    "the way of marking",
    { cache_control: { type: "ephemeral" }, messages: [{ role: "user", content: words(600) }] },
    [start + message, 0, 0],
  ],
])("Messages: the second request differs in %s", async (_, change, expected) => {
  expect(await usages([{}, change])).toEqual([[0, start + message, 0], expected]);
});

test("Messages: lives of five minutes and an hour, refreshed by reads, and the minimum", async () => {
  let time = 0;
  const times = [0, 4, 8, 14].map((minutes) => minutes * 60_000);
  const found = await usages([{}, {}, {}, {}], () => {
    // The mock reads the clock once for each request.
    time = times.shift() ?? time;
    return time;
  });
  const all = start + message;
  expect(found).toEqual([
    [0, all, 0],
    [all, 0, 0],
    [all, 0, 0],
    [0, all, 0],
  ]);
  const hour = { type: "text", text: words(1000), cache_control: { type: "ephemeral", ttl: "1h" } };
  await using mock = await startAnthropic([answer("so"), answer("so")]);
  const client = rawClient(mock, "messages");
  const content = [{ type: "text", text: words(600), ...mark }];
  const body = { model: "claude-opus-5", max_tokens: 100, system: [hour], messages: [{ role: "user", content }] };
  const { usage } = (await client.post(body)).body;
  expect(usage.cache_creation).toEqual({ ephemeral_5m_input_tokens: message, ephemeral_1h_input_tokens: 1003 });
  expect(mock.bill(price).dollars).toBeCloseTo((1003 * 4 + message * 2.5 + mock.bill(price).output * 8) / 1e6, 10);
  const short = { ...body, model: "claude-opus-4-5" };
  expect((await client.post(short)).body.usage).toMatchObject({
    input_tokens: 1003 + message,
    cache_creation_input_tokens: 0,
  });
});

test("Messages: an entry can be read once the first answer has begun", async () => {
  let begin = () => {};
  const until = new Promise<void>((resolve) => {
    begin = resolve;
  });
  await using mock = await startAnthropic([
    breaking({ how: "stall", at: "start", until }, "one"),
    answer("two"),
    answer("three"),
  ]);
  const client = rawClient(mock, "messages");
  const content = [{ type: "text", text: words(1000), ...mark }];
  const body = { model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content }] };
  const first = client.stream(body);
  await mock.received(1);
  await client.stream(body);
  begin();
  await first;
  await client.stream(body);
  expect(mock.hops.map(({ read }) => read > 0)).toEqual([false, false, true]);
  expect(mock.bill(price).writtenTwice).toEqual([0]);
});

/** Runs hops with results of 500 tokens over Responses. */
async function responsesLoop(model: string, hops: number, change: (hop: number) => object): Promise<StrictMock> {
  const mock = await startOpenAi(loop(hops, (n) => answer(thinks("hm"), calls("read", { n })), answer("done")));
  const client = rawClient(mock, "responses");
  const input: Loose[] = [{ role: "user", content: words(500) }];
  const tools = [{ type: "function", name: "read", parameters: schema, strict: false }];
  for (let hop = 0; hop <= hops; hop++) {
    const body = { model, instructions: words(1500), prompt_cache_key: "one", tools, input, ...change(hop) };
    const { output } = (await client.post(body)).body;
    input.push(...output);
    for (const { type, call_id } of output)
      if (type === "function_call")
        input.push({ type: "function_call_output", call_id, output: words(500, `r${hop}`) });
  }
  return mock;
}

test("Responses: the implicit mark of GPT-5.6 moves by itself, and another key loses everything", async () => {
  await using mock = await responsesLoop("gpt-5.6-sol", 30, () => ({}));
  const bill = mock.bill(price);
  expect(bill.readShare).toBeGreaterThan(0.95);
  expect(bill.writtenTwice).toEqual([]);
  expect(bill.written).toBeGreaterThan(0);
  await using other = await responsesLoop("gpt-5.6-sol", 6, (hop) => ({ prompt_cache_key: `key ${hop}` }));
  expect(other.bill(price)).toMatchObject({ read: 0 });
  const same = mock.bill(price, mock.hops.slice(0, 7));
  expect(other.bill(price).dollars).toBeGreaterThan(same.dollars * 2);
  await using allowed = await responsesLoop("gpt-5.6-sol", 6, (hop) => (hop === 6 ? { tool_choice: "none" } : {}));
  expect(allowed.bill(price)).toMatchObject({ writtenTwice: [], prefixBroken: [] });
  await using late = await responsesLoop("gpt-5.6-sol", 6, (hop) => (hop === 6 ? { tools: [] } : {}));
  expect(late.hops.at(-1)?.read).toBe(0);
  expect(late.bill(price).prefixBroken).toEqual([6]);
});

test("Responses: models before GPT-5.6 read in steps of 128 and write for nothing", async () => {
  await using mock = await responsesLoop("gpt-5.1", 10, () => ({}));
  expect(mock.hops.slice(1).every(({ read }) => read > 0 && read % 128 === 0)).toBe(true);
  expect(mock.bill(price)).toMatchObject({ written: 0, writtenTwice: [] });
  expect(mock.bill(price).readShare).toBeGreaterThan(0.9);
});

test("Responses: usage, a prompt below the minimum, and a message that grows in place", async () => {
  await using mock = await startOpenAi(Array.from({ length: 4 }, () => answer("so")));
  const client = rawClient(mock, "responses");
  const ask = async (...content: string[]) => {
    const input = content.map((text) => ({ role: "user", content: text }));
    return (await client.post({ model: "gpt-5.6-sol", input })).body.usage;
  };
  expect((await ask(words(500))).input_tokens_details).toEqual({ cached_tokens: 0, cache_write_tokens: 0 });
  const first = await ask(words(2000));
  expect(first.input_tokens_details).toEqual({ cached_tokens: 0, cache_write_tokens: first.input_tokens });
  const grown = await ask(words(2100));
  expect(grown.input_tokens_details.cached_tokens).toBe(0);
  const appended = await ask(words(2000), words(100));
  expect(appended.input_tokens_details).toEqual({
    cached_tokens: first.input_tokens,
    cache_write_tokens: appended.input_tokens - first.input_tokens,
  });
});

const image = "A".repeat(400_000);

test("tools found late are appended, and a picture is not counted by its bytes", async () => {
  await using openai = await startOpenAi([answer("so"), answer("so")]);
  const responses = rawClient(openai, "responses");
  const late = { type: "function", name: "late", parameters: schema, strict: false };
  const input: object[] = [{ role: "user", content: words(2000) }];
  await responses.post({ model: "gpt-5.6-sol", tools: [{ ...late, name: "read" }], input });
  input.push(
    { type: "additional_tools", role: "developer", tools: [late] },
    { role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${image}` }] },
  );
  await responses.post({ model: "gpt-5.6-sol", tools: [{ ...late, name: "read" }], input });
  expect(openai.hops[1]?.read).toBe(openai.hops[0]?.input);
  expect(openai.hops[1]?.input).toBeLessThan(5000);

  await using anthropic = await startAnthropic([answer(calls("find")), answer("so")]);
  const messages = rawClient(anthropic, "messages");
  const find = { name: "find", input_schema: schema };
  const prompt = { role: "user", content: [{ type: "text", text: words(2000), ...mark }] };
  const base = { model: "claude-opus-5-5", max_tokens: 100 };
  const { content } = (await messages.post({ ...base, tools: [find], messages: [prompt] })).body;
  const found = [{ type: "tool_reference", tool_name: "late" }];
  const results = { role: "user", content: [{ type: "tool_result", tool_use_id: content[0].id, content: found }] };
  const second = { ...base, messages: [prompt, { role: "assistant", content }, results] };
  expect(await messages.refusal({ ...second, tools: [find] })).toContain("Tool reference 'late' not found");
  const deferred = { name: "late", input_schema: schema, defer_loading: true };
  await messages.post({ ...second, tools: [find, deferred] });
  expect(anthropic.hops[1]?.read).toBe(anthropic.hops[0]?.input);
});

test("Gemini: the common prefix is read from the minimum on, and nothing is written", async () => {
  await using mock = await startGemini(Array.from({ length: 3 }, () => answer("so")));
  const client = rawClient(mock, "gemini");
  const ask = async (...texts: string[]) =>
    (await client.post({ contents: texts.map((text) => ({ role: "user", parts: [{ text }] })) })).body.usageMetadata;
  const first = await ask(words(4200));
  expect(first.cachedContentTokenCount).toBeUndefined();
  const second = await ask(words(4200), "more");
  expect(second.cachedContentTokenCount).toBe(first.promptTokenCount);
  expect((await ask(words(1000))).cachedContentTokenCount).toBeUndefined();
  expect(mock.bill(price)).toMatchObject({ written: 0, read: first.promptTokenCount });
});

import { expect, test } from "@jest/globals";
import {
  answer,
  breaking,
  calls,
  ending,
  failing,
  says,
  startAnthropic,
  startGemini,
  startOpenAi,
  thinks,
  thinksRedacted,
} from "../../support/strict/index.js";
import { type Loose, rawClient } from "./raw-client.js";

const wires = {
  responses: { start: startOpenAi, body: { model: "gpt-5.6-sol", input: "hi" } },
  chat: { start: startOpenAi, body: { model: "gpt-5.6-sol", messages: [{ role: "user", content: "hi" }] } },
  messages: {
    start: startAnthropic,
    body: { model: "claude-opus-5-5", max_tokens: 100, messages: [{ role: "user", content: "hi" }] },
  },
  gemini: { start: startGemini, body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] } },
} as const;
const names = Object.keys(wires) as (keyof typeof wires)[];

test.each(names)("%s: each failure has the vendor's status and the delay in its form", async (wire) => {
  const kinds = ["rate_limit", "quota", "overloaded", "server", "timeout", "context_overflow"] as const;
  const overloaded = wire === "messages" ? 529 : 503;
  await using mock = await wires[wire].start([
    ...kinds.map((kind) => failing(kind)),
    failing("rate_limit", { retryAfter: { seconds: 2 } }),
    failing("rate_limit", { retryAfter: { milliseconds: 1500 } }),
  ]);
  const client = rawClient(mock, wire);
  const ask = () => client.post(wires[wire].body);
  const seen: Loose[] = [];
  for (const _ of kinds) seen.push(await ask());
  expect(seen.map(({ status }) => status)).toEqual([429, 429, overloaded, 500, 504, 400]);
  expect(seen[5].body.error.message).toMatch(/context window|too long|exceeds the maximum/);
  const [seconds, milliseconds] = [await ask(), await ask()];
  if (wire === "gemini") {
    const delay = (body: Loose) => body.error.details.find(({ retryDelay }: Loose) => retryDelay).retryDelay;
    expect([delay(seconds.body), delay(milliseconds.body)]).toEqual(["2s", "1.5s"]);
    expect(seconds.headers.get("retry-after")).toBeNull();
  } else {
    expect(seconds.headers.get("retry-after")).toBe("2");
    expect(milliseconds.headers.get("retry-after-ms")).toBe("1500");
  }
  expect(mock.hops).toEqual([]);
});

test.each(names)("%s: a stream breaks where the script says", async (wire) => {
  const parts = [says("one two three four five six"), calls("add", { a: 2, b: 40, c: "a longer one" })];
  await using mock = await wires[wire].start([
    breaking({ how: "cut", at: "before_text" }, ...parts),
    breaking({ how: "cut", at: "after_text" }, ...parts),
    breaking({ how: "cut", at: "in_call" }, ...parts),
    breaking({ how: "cut", at: "before_end" }, ...parts),
    breaking({ how: "error", at: "after_text", error: "overloaded" }, ...parts),
    breaking({ how: "reset", at: "after_text" }, ...parts),
  ]);
  const client = rawClient(mock, wire);
  const cuts: Loose[][] = [];
  for (let cut = 0; cut < 4; cut++) cuts.push(await client.stream(wires[wire].body));
  const sizes = cuts.map(({ length }) => length);
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  // Gemini sends a call in one chunk, the last one before the end, so two of the cuts are the same.
  expect(new Set(sizes).size).toBe(wire === "gemini" ? 3 : 4);
  for (const events of cuts) expect(JSON.stringify(events)).not.toMatch(/response.completed|message_stop|STOP|DONE/);
  const last = (await client.stream(wires[wire].body)).at(-1);
  expect(JSON.stringify(last)).toMatch(/overloaded/i);
  await expect(client.stream(wires[wire].body)).rejects.toThrow();
  expect(mock.hops.some(({ isWhole }) => isWhole)).toBe(false);
});

test.each(names)("%s: a stall ends when the script says, and a client may leave it", async (wire) => {
  let resume = () => {};
  const until = new Promise<void>((resolve) => {
    resume = resolve;
  });
  await using mock = await wires[wire].start([
    breaking({ how: "stall", at: "after_text", until }, "one two three"),
    breaking({ how: "stall", at: "after_text" }, "one two three"),
  ]);
  const client = rawClient(mock, wire);
  const first = client.stream(wires[wire].body);
  await mock.received(1);
  resume();
  expect(JSON.stringify(await first)).toContain("three");
  const controller = new AbortController();
  const second = client.stream(wires[wire].body, controller.signal);
  await mock.received(2);
  controller.abort();
  await expect(second).rejects.toThrow();
  await mock.aborted(1);
  expect(mock.hops.map(({ isWhole }) => isWhole)).toEqual([true, false]);
});

test.each(names)("%s: an error inside an answer is an error in place of one that is not streamed", async (wire) => {
  await using mock = await wires[wire].start([
    breaking({ how: "failed", at: "before_text", error: "server" }, "one"),
    breaking({ how: "failed", at: "before_text", error: "server" }, "one"),
  ]);
  const client = rawClient(mock, wire);
  const last = (await client.stream(wires[wire].body)).at(-1);
  expect(last.response?.error ?? last.error).toMatchObject({ message: expect.stringMatching(/error/i) });
  expect((await client.post(wires[wire].body)).status).toBe(500);
  expect(mock.hops.length).toBe(1);
});

test("each end has the vendor's word", async () => {
  const ends = [
    "length",
    "refusal",
    "content_filter",
    "pause",
    "context_window",
    "malformed_call",
    "empty",
    "prompt_blocked",
  ] as const;
  const script = ends.map((end) => ending(end, "so"));
  const words = async (wire: keyof typeof wires, word: (body: Loose) => unknown) => {
    await using mock = await wires[wire].start(script);
    const client = rawClient(mock, wire);
    const found: unknown[] = [];
    for (const _ of ends) found.push(word((await client.post(wires[wire].body)).body));
    return found;
  };
  expect(
    await words("responses", ({ status, incomplete_details, output }) => [
      incomplete_details?.reason ?? status,
      output[0]?.content[0].type,
    ]),
  ).toEqual([
    ["max_output_tokens", "output_text"],
    ["completed", "refusal"],
    ["content_filter", "output_text"],
    ["completed", "output_text"],
    ["max_output_tokens", "output_text"],
    ["failed", "output_text"],
    ["completed", undefined],
    ["failed", undefined],
  ]);
  expect(await words("messages", ({ stop_reason }) => stop_reason)).toEqual([
    "max_tokens",
    "refusal",
    "refusal",
    "pause_turn",
    "model_context_window_exceeded",
    "end_turn",
    "end_turn",
    "refusal",
  ]);
  expect(
    await words("gemini", ({ candidates, promptFeedback }) => candidates?.[0].finishReason ?? promptFeedback),
  ).toEqual([
    "MAX_TOKENS",
    "PROHIBITED_CONTENT",
    "SAFETY",
    "STOP",
    "MAX_TOKENS",
    "MALFORMED_FUNCTION_CALL",
    "STOP",
    { blockReason: "PROHIBITED_CONTENT" },
  ]);
});

test("reasoning that is hidden: redacted blocks, no summary, no thought parts", async () => {
  const script = [answer(thinksRedacted("secret"), thinks("open"), "so")];
  await using anthropic = await startAnthropic(script);
  const { body } = await rawClient(anthropic, "messages").post({
    ...wires.messages.body,
    thinking: { type: "adaptive", display: "summarized" },
  });
  expect(body.content).toMatchObject([{ type: "redacted_thinking" }, { thinking: "open" }, { text: "so" }]);
  await using openai = await startOpenAi(script);
  const response = await rawClient(openai, "responses").post(wires.responses.body);
  expect(response.body.output.map(({ summary }: Loose) => summary)).toEqual([[], [], undefined]);
});

test("a script that is not used up, and a request without a step, fail the test", async () => {
  const left = await startOpenAi([answer("hi")]);
  await expect(left[Symbol.asyncDispose]()).rejects.toThrow("1 step(s) of the script were not used");
  const none = await startOpenAi([]);
  await rawClient(none, "responses").post(wires.responses.body);
  await expect(none[Symbol.asyncDispose]()).rejects.toThrow("request 1 has no step");
});

test.each(names)("%s: a path that the vendor does not have, and a body that is not valid JSON", async (wire) => {
  await using mock = await wires[wire].start([]);
  expect((await fetch(`${mock.origin}/v2/other`)).status).toBe(404);
  const path =
    wire === "gemini" ? "models/gemini-3.5-pro:generateContent" : wire === "chat" ? "chat/completions" : wire;
  expect((await fetch(`${mock.url}/${path}`, { method: "POST", body: "[1" })).status).toBe(400);
  expect(mock.refusals.map(({ message }) => message)).toEqual([
    "Invalid URL (GET /v2/other)",
    "We could not parse the JSON body of your request.",
  ]);
});

test("a script that is a function sees the prompt, the results and the hop", async () => {
  await using mock = await startAnthropic(({ hop, userText, results }) =>
    hop === 0 ? answer(calls("add")) : answer(`${userText}: ${results.join()}`),
  );
  const client = rawClient(mock, "messages");
  const prompt = { role: "user", content: "sum" };
  const tools = [{ name: "add", input_schema: { type: "object" } }];
  const body = { ...wires.messages.body, tools };
  const { content } = (await client.post({ ...body, messages: [prompt] })).body;
  const result = { type: "tool_result", tool_use_id: content[0].id, content: "42" };
  const messages = [prompt, { role: "assistant", content }, { role: "user", content: [result] }];
  expect((await client.post({ ...body, messages })).body.content[0].text).toBe("sum: 42");
});

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LlmError } from "../../../../src/core/errors.js";
import { failure, json, type LlmServer, type Step, startLlmServer, stream } from "../../../support/llm-server.js";
import { geminiClient, user } from "./gemini-client.js";

/** Shapes that the strict mock does not send: they were seen elsewhere and are quoted in the vendor's own words. */

let steps: Step[] = [];
let server: LlmServer;

beforeAll(async () => {
  server = await startLlmServer(() => steps.shift() ?? failure(400));
});
afterAll(async () => server[Symbol.asyncDispose]());

type Chunk = Record<string, unknown>;

const chunkOf = (parts: object[], finishReason?: string, more: Chunk = {}): Chunk => ({
  candidates: [{ content: { role: "model", parts }, ...(finishReason ? { finishReason } : {}), index: 0 }],
  ...more,
});
const ends = (finishReason: string, more: Chunk = {}): Chunk => ({ candidates: [{ finishReason, ...more }] });
const text = (words: string) => chunkOf([{ text: words }]);
const sse = (chunks: readonly Chunk[]) => stream(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`));

async function ask(script: readonly (readonly Chunk[])[], streaming = true) {
  steps = script.map((chunks) => (streaming ? sse(chunks) : json(chunks[0] as object)));
  await using client = geminiClient(server);
  const outcome: unknown = await client
    .ask({ streaming }, { messages: [user("hi")], tools: [] })
    .catch((error: unknown) => (error instanceof LlmError ? error : Promise.reject(error)));
  expect(steps).toEqual([]);
  return outcome;
}

test.each([
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ["SAFETY", "content_filter"],
  ["RECITATION", "content_filter"],
  ["BLOCKLIST", "content_filter"],
  ["PROHIBITED_CONTENT", "content_filter"],
  ["SPII", "content_filter"],
  ["LANGUAGE", "content_filter"],
  ["IMAGE_SAFETY", "content_filter"],
  ["IMAGE_PROHIBITED_CONTENT", "content_filter"],
  ["FINISH_REASON_UNSPECIFIED", "unknown"],
  ["A_NEW_ONE", "unknown"],
])("an answer that ends with %s", async (reason, finishReason) => {
  expect(await ask([[text("Some"), text("thing."), ends(reason)]])).toMatchObject({
    finishReason,
    message: { content: "Something." },
  });
});

test.each(["MAX_TOKENS", "SAFETY"])("an answer without text that ends with %s is accepted", async (reason) => {
  expect(await ask([[ends(reason)]])).toMatchObject({ message: { content: "" } });
});

test.each([
  ["MALFORMED_FUNCTION_CALL", "tool_generation_failed", 2],
  ["UNEXPECTED_TOOL_CALL", "tool_generation_failed", 2],
  ["MISSING_THOUGHT_SIGNATURE", "tool_generation_failed", 2],
  ["OTHER", "server", 2],
  ["TOO_MANY_TOOL_CALLS", "bad_request", 1],
])("an answer that fails with %s", async (reason, kind, attempts) => {
  const failed = [ends(reason, { finishMessage: "Malformed function call: print(x" })];
  const outcome = await ask(Array.from({ length: attempts }, () => failed));
  expect(outcome).toMatchObject({ kind, attempts, message: expect.stringContaining(reason) });
  if (attempts > 1) expect(await ask([failed, [text("Fine."), ends("STOP")]])).toMatchObject({ finishReason: "stop" });
});

test.each([true, false])("the cost of a request without an answer is counted, streaming: %s", async (streaming) => {
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 4 };
  for (const reason of ["MALFORMED_FUNCTION_CALL", "STOP"]) {
    const script = [[{ ...ends(reason), usageMetadata }], [chunkOf([{ text: "Fine." }], "STOP")]];
    const lost = [{ provider: "gemini", usage: { inputTokens: 9, outputTokens: 4 } }];
    expect(await ask(script, streaming)).toMatchObject({ message: { content: "Fine." }, lost });
  }
});

test("a blocked prompt has no candidate, and the answer ends as filtered", async () => {
  const blocked = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: { promptTokenCount: 9 } };
  for (const streaming of [true, false])
    expect(await ask([[blocked]], streaming)).toMatchObject({
      finishReason: "content_filter",
      message: { content: "" },
      usage: { inputTokens: 9, outputTokens: 0 },
    });
});

test("calls end an answer with STOP, and never with another reason's words", async () => {
  const call = chunkOf([{ functionCall: { name: "f", args: { a: [1, null] } } }]);
  expect(await ask([[call, ends("STOP")]])).toMatchObject({
    finishReason: "tool_calls",
    message: { toolCalls: [{ id: "call_new2", name: "f", arguments: '{"a":[1,null]}' }] },
  });
  expect(await ask([[call, ends("MAX_TOKENS")]])).toMatchObject({ finishReason: "length" });
});

test("a stream without a reason to end is cut, one without arguments has none", async () => {
  const calls = chunkOf([{ functionCall: { name: "f" } }]);
  expect(await ask([[text("Half an ")]])).toMatchObject({ kind: "stream_interrupted" });
  expect(await ask([[calls], [calls, ends("STOP")]])).toMatchObject({
    attempts: 2,
    message: { toolCalls: [{ arguments: "{}" }] },
  });
});

test("an error in a 200, as a chunk or in a list, and a list of chunks are retried", async () => {
  const error = { error: { code: 503, status: "UNAVAILABLE", message: "The model is overloaded." } };
  const fine = [text("Fine."), ends("STOP")];
  expect(await ask([[error], fine])).toMatchObject({ finishReason: "stop", attempts: 2 });
  await using client = geminiClient(server);
  for (const list of [[error], [text("The first of"), ends("STOP")]]) {
    steps = [json(list), json(chunkOf([{ text: "Fine." }], "STOP"))];
    expect(await client.ask({ streaming: false })).toMatchObject({ message: { content: "Fine." }, attempts: 2 });
  }
});

test("parts come as they are: signed pieces stay apart, unknown ones and unknown keys are kept", async () => {
  const parts = [
    { text: "a signed thought", thought: true, thoughtSignature: "S0" },
    { text: "a thought", thought: true },
    { text: "one " },
    { text: "two " },
    { text: "three", thoughtSignature: "S1" },
    { text: " four" },
    { executableCode: { language: "PYTHON", code: "1+1" }, thoughtSignature: "S2" },
    { functionCall: { id: "x", name: "f", args: {}, novel: 1 }, thoughtSignature: "S3", strange: { b: 1 } },
    { functionCall: { name: "f", args: {} } },
    { thoughtSignature: "S4" },
  ];
  const kept = [
    { opaque: parts[0] },
    { text: 8 },
    { text: 5, extra: { thoughtSignature: "S1" } },
    { text: 5 },
    { opaque: parts[6] },
    { call: 0, extra: { thoughtSignature: "S3", strange: { b: 1 }, functionCall: { id: "x", novel: 1 } } },
    { call: 1 },
    { text: 0, extra: { thoughtSignature: "S4" } },
  ];
  const message = { content: "one two three four", reasoning: "a signed thoughta thought", kept: { parts: kept } };
  expect(await ask([[...parts.map((part) => chunkOf([part])), ends("STOP")]])).toMatchObject({ message });
  expect(await ask([[chunkOf(parts, "STOP")]], false)).toMatchObject({ message });
});

test("of two calls with the same id, the second gets another one", async () => {
  const call = (n: number) => ({ functionCall: { id: "x", name: "f", args: { n } } });
  const outcome = await ask([[chunkOf([call(1), call(2)], "STOP")]]);
  const message = { toolCalls: [{ id: "x" }, { id: expect.stringMatching(/^call_new/) }] };
  expect(outcome).toMatchObject({ message });
});

test.each([
  ["input alone", { promptTokenCount: 5 }, { inputTokens: 5, outputTokens: 0 }],
  [
    "everything",
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      toolUsePromptTokenCount: 7,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 300,
      totalTokenCount: 427,
    },
    { inputTokens: 107, cachedTokens: 60, outputTokens: 320, reasoningTokens: 300 },
  ],
])("tokens: %s", async (_, usageMetadata, usage) => {
  const early = { usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 1 } };
  const outcome = await ask([[chunkOf([{ text: "a" }], undefined, early), { ...ends("STOP"), usageMetadata }]]);
  expect(outcome).toHaveProperty("usage", usage);
});
